"""`make bench`: builds the catalogs, starts all contenders, lets them take turns, prints tables. It judges nothing: read the ratios.

python -m tests.bench [--rounds N] [--times N] [--only pages,acts,depth,memory,start,nginx] [--products N] [--deep N]
"""

from __future__ import annotations

import argparse
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import create_engine, text
from sqlalchemy.engine import make_url

from config import Config
from shop import create_app, enable_migrations
from tests.bench import acts
from tests.bench.load import Act, Browser, Contender, children, compare, resident_mb, table
from tests.bench.world import CATEGORIES, EVERYTHING, build
from tests.servers import PROGRAMS, ROOT, SECRET, free_port, serve_nginx, settings

WORKERS = "2"


@dataclass
class Shop:
    """A shop or a floor under gunicorn, and whose time it takes."""

    url: str
    pid: int
    database_pids: Sequence[int] = ()

    @property
    def pids(self) -> list[int]:
        return [self.pid, *self.database_pids]

    def get(self, path: str) -> Act:
        browser = self.browser()
        return lambda: browser.ask("GET", path)

    def browser(self) -> Browser:
        return Browser(self.url)


class Bench:
    """One run: its folder, its databases, its servers; everything ends with it."""

    def __init__(self, stack: ExitStack, products: int) -> None:
        self.stack, self.products = stack, products
        self.folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="bodega-bench-")))
        self.server = os.environ.get("TEST_DATABASE_URL", "")

    def database(self, kind: str, products: int) -> Config:
        """A filled shop; SQLite in its instance folder, PostgreSQL in a database of its own."""
        instance = self.folder / f"{kind}-{products}"
        url = f"sqlite:///{instance / 'shop.db'}" if kind == "sqlite" else self._postgres(products)
        config = Config.from_env(settings(instance, DATABASE_URL=url, SHOP_COURIER="0"))
        app = create_app(config)
        enable_migrations(app)
        with app.app_context():
            from flask_migrate import upgrade

            upgrade()
            app.test_cli_runner().invoke(args=["shop", "init"], catch_exceptions=False)
        build(app, products)
        with app.app_context():
            app.extensions["sqlalchemy"].engine.dispose()
        return config

    def _postgres(self, products: int) -> str:
        url = make_url(self.server).set(drivername="postgresql+psycopg")
        name = f"bodega_bench_{os.getpid()}_{products}"
        engine = create_engine(url, isolation_level="AUTOCOMMIT")
        with engine.connect() as connection:
            connection.execute(text(f"CREATE DATABASE {name}"))
        self.stack.callback(_drop, engine, name)
        return url.set(database=name).render_as_string(hide_password=False)

    def shop(self, config: Config, *, workers: str = WORKERS, socket: Path | None = None) -> Shop:
        environ = settings(
            config.instance,
            DATABASE_URL=config.database_url,
            WEB_CONCURRENCY=workers,
            SHOP_COURIER="0",
            SHOP_PROXIES="1" if socket else "0",
        )
        return self._serve(["--config", "deploy/gunicorn.conf.py", "wsgi:app"], environ, config.database_url, socket)

    def floor(self, config: Config | None, **sizes: int) -> Shop:
        url = config.database_url if config else ""
        environ = {**settings(self.folder), "FLOOR_URL": url, **{name: str(value) for name, value in sizes.items()}}
        return self._serve(
            ["--workers", WORKERS, "--worker-class", "gthread", "--threads", "8", "--no-control-socket", "tests.bench.floor:app"],
            environ,
            url,
        )

    def _serve(self, words: list[str], environ: dict[str, str], database_url: str, socket: Path | None = None) -> Shop:
        port = free_port()
        environ |= {"PORT": str(port), "SECRET_KEY": SECRET}
        bind = f"unix:{socket}" if socket else f"127.0.0.1:{port}"
        log = (self.folder / f"server-{port}.log").open("wb")
        process = subprocess.Popen([PROGRAMS / "gunicorn", "--bind", bind, *words], cwd=ROOT, env=environ, stdout=log, stderr=log)
        self.stack.callback(_stop, process)
        shop = Shop(f"http://127.0.0.1:{port}", process.pid, _postmaster(database_url))
        if not socket:
            _wait_for(shop)
        return shop


def _drop(engine, name: str) -> None:  # type: ignore[no-untyped-def]
    with engine.connect() as connection:
        connection.execute(text(f"DROP DATABASE {name} WITH (FORCE)"))
    engine.dispose()


def _stop(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    process.wait(30)


def _postmaster(database_url: str) -> Sequence[int]:
    """The process of the PostgreSQL server, whose children answer."""
    if not database_url.startswith("postgresql"):
        return ()
    engine = create_engine(database_url)
    with engine.connect() as connection:
        backend = connection.execute(text("SELECT pg_backend_pid()")).scalar_one()
        parent = int(Path(f"/proc/{backend}/stat").read_text().rsplit(")", 1)[1].split()[1])
    engine.dispose()
    return (parent,)


def _wait_for(shop: Shop) -> None:
    for _ in range(300):
        try:
            shop.browser().ask("GET", "/healthz")
        except RuntimeError:
            return  # it answers, if only that it does not know this page
        except OSError:
            time.sleep(0.05)
        else:
            return
    raise RuntimeError(f"{shop.url} did not answer")


def rotating(make: Callable[[int], Act]) -> Callable[[], Act]:
    """Prepare acts on one number after another."""
    numbers = iter(range(1, 10**9))
    return lambda: make(next(numbers))


def pages(bench: Bench, rounds: int, times: int) -> Iterator[str]:
    """Category and product page beside their floors."""
    sqlite, postgres = bench.database("sqlite", bench.products), bench.database("postgresql", bench.products)
    ours = {"SQLite": bench.shop(sqlite), "PostgreSQL": bench.shop(postgres)}
    example = ours["SQLite"].browser()
    size = len(example.ask("GET", f"/c/category-{CATEGORIES}"))
    product_size = len(example.ask("GET", "/p/product-7"))
    floors = {
        name: bench.floor(config, FLOOR_BYTES=size, FLOOR_PRODUCT_BYTES=product_size)
        for name, config in (("SQLite", sqlite), ("PostgreSQL", postgres))
    }

    def contender(name: str, shop: Shop, path: Callable[[int], str], *, cookie: bool = False) -> Contender:
        browser = shop.browser()
        if cookie:
            acts.put_into_cart(browser, [3])
        return Contender(name, shop.pids, rotating(lambda number: lambda: browser.ask("GET", path(number))))

    jinja = contender("bare Jinja page from memory", floors["SQLite"], lambda _: "/jinja")
    lists = [jinja]
    for name, shop in ours.items():
        lists += [
            contender(f"raw {name}", floors[name], lambda n: f"/raw/{n % CATEGORIES + 1}"),
            contender(f"the shop on {name}", shop, lambda n: f"/c/category-{n % CATEGORIES + 1}"),
            contender(f"the shop on {name}, with a cart", shop, lambda n: f"/c/category-{n % CATEGORIES + 1}", cookie=True),
        ]
    compare(lists, rounds=rounds, times=times)
    yield from table(f"Category page, {bench.products} products, 24 cards, {CATEGORIES} categories, {size} bytes", lists, jinja)
    for name, shop in ours.items():
        pair = [
            contender(f"raw {name}", floors[name], lambda n: f"/product/{n}"),
            contender(f"the shop on {name}", shop, lambda n: f"/p/product-{n}"),
        ]
        compare(pair, rounds=rounds, times=times)
        yield from table(f"Product page on {name}, {product_size} bytes", pair)


def acts_table(bench: Bench, rounds: int, times: int) -> Iterator[str]:
    """Adding to the cart, ordering, a whole guest checkout, beside their floors."""
    for name, kind in (("SQLite", "sqlite"), ("PostgreSQL", "postgresql")):
        config = bench.database(kind, bench.products + 1)
        shop, floor = bench.shop(config), bench.floor(config)
        pair = [
            Contender("raw add to cart", floor.pids, rotating(lambda n, floor=floor: acts.raw_add(floor.browser(), n))),  # type: ignore[misc]
            Contender("add to cart", shop.pids, rotating(lambda n, shop=shop: acts.add(shop.browser(), n))),  # type: ignore[misc]
        ]
        compare(pair, rounds=rounds, times=max(40, times // 4))
        yield from table(f"Add to cart on {name}", pair)
        pair = [
            Contender("raw order of three lines", floor.pids, rotating(lambda n, floor=floor: acts.raw_order(floor.browser(), n))),  # type: ignore[misc]
            Contender("order of three lines", shop.pids, rotating(lambda n, shop=shop: acts.order(shop.browser(), n))),  # type: ignore[misc]
        ]
        compare(pair, rounds=rounds, times=max(20, times // 10))
        yield from table(f"Placing an order on {name}", pair)
        whole = [
            Contender("a guest's whole checkout", shop.pids, rotating(lambda n, shop=shop: lambda: acts.whole_checkout(shop.browser(), n)))
        ]  # type: ignore[misc]
        compare(whole, rounds=rounds, times=max(10, times // 20))
        yield from table(f"Product, three adds, cart, checkout, order, order page on {name} (django-oscar 4.2.1: 236–240)", whole)


def depth(bench: Bench, rounds: int, times: int, deep: int) -> Iterator[str]:
    """The same page at ten times the products, and at page 4,000."""
    small, large = bench.shop(bench.database("sqlite", bench.products + 2)), bench.shop(bench.database("sqlite", deep))
    cursor = acts.cursor_of_page(large.browser(), f"/c/category-{EVERYTHING}", page=min(4_000, deep // 24 - 2), per_page=24)
    contenders = [
        Contender(f"{bench.products} products, page 1", small.pids, lambda: small.get(f"/c/category-{EVERYTHING}")),
        Contender(f"{deep} products, page 1", large.pids, lambda: large.get(f"/c/category-{EVERYTHING}")),
        Contender(f"{deep} products, page 4,000", large.pids, lambda: large.get(f"/c/category-{EVERYTHING}?{cursor}")),
    ]
    compare(contenders, rounds=rounds, times=max(50, times // 2))
    yield from table("Depth (SQLite)", contenders)


def memory(bench: Bench, _rounds: int, _times: int) -> Iterator[str]:
    """Resident memory of a worker after 1,000 and after 10,000 mixed requests."""
    shop = bench.shop(bench.database("sqlite", bench.products + 3), workers="1")
    yield "\nResident memory of a worker (MB)\n"
    yield "| after requests | MB |"
    yield "|---|---|"
    done = 0
    for goal in (100, 1_000, 10_000):
        while done < goal:
            done += acts.mixed(shop.browser(), done)
        [worker] = children(shop.pid)
        yield f"| {goal} | {resident_mb(worker):.1f} |"


def start(bench: Bench, rounds: int, _times: int) -> Iterator[str]:
    """From the start of gunicorn to the first page."""
    config = bench.database("sqlite", 1_000)
    plain = "import flask, flask_sqlalchemy, psycopg; app = flask.Flask('plain'); app.get('/', endpoint='x')(lambda: 'ok')"
    (bench.folder / "plain_app.py").write_text(plain)
    environ = settings(config.instance, SHOP_COURIER="0", WEB_CONCURRENCY="1")
    sides = {
        "bare Flask + SQLAlchemy + psycopg": (["plain_app:app", "--no-control-socket", "--chdir", str(bench.folder)], environ),
        "the shop": (["--config", "deploy/gunicorn.conf.py", "wsgi:app"], environ),
    }
    took: dict[str, list[float]] = {name: [] for name in sides}
    for _ in range(rounds):
        for name, (words, own) in sides.items():
            took[name].append(_first_page(words, own))
    yield "\nFrom gunicorn's start to the first page (s)\n"
    yield "| contender | s | × base |"
    yield "|---|---|---|"
    base = next(iter(took.values()))
    for name, times in took.items():
        ratio = statistics.median(mine / theirs for mine, theirs in zip(times, base, strict=True))
        yield f"| {name} | {statistics.median(times):.2f} ({min(times):.2f}–{max(times):.2f}) | {ratio:.2f} |"


def _first_page(words: list[str], environ: dict[str, str]) -> float:
    port = free_port()
    begun = time.perf_counter()
    process = subprocess.Popen(
        [PROGRAMS / "gunicorn", "--bind", f"127.0.0.1:{port}", *words],
        cwd=ROOT,
        env={**environ, "PORT": str(port)},
        stdout=subprocess.DEVNULL,
    )
    try:
        for _ in range(2_000):
            try:
                Browser(f"http://127.0.0.1:{port}").ask("GET", "/")
                return time.perf_counter() - begun
            except OSError:
                time.sleep(0.005)
        raise RuntimeError("no first page")
    finally:
        process.terminate()
        process.wait(30)


def nginx(bench: Bench, rounds: int, _times: int) -> Iterator[str]:
    """A hit of nginx's cache beside a file of the same size."""
    socket = bench.folder / "shop.sock"
    config = bench.database("sqlite", 1_001)
    bench.shop(config, socket=socket)
    front = bench.stack.enter_context(serve_nginx(bench.folder, config.instance, socket))
    for _ in range(200):
        if front.get("/c/category-3").status == 200:
            break
        time.sleep(0.05)
    page = front.get("/c/category-3").body
    media = config.instance / "media" / "ab"
    media.mkdir(parents=True, exist_ok=True)
    (media / "page.bin").write_bytes(page)
    rates: dict[str, list[float]] = {"file": [], "cache hit": []}
    for _ in range(rounds):
        rates["file"].append(_rate(f"{front.url}/media/ab/page.bin"))
        rates["cache hit"].append(_rate(f"{front.url}/c/category-3"))
    yield f"\nnginx: a hit of its cache beside a file of {len(page)} bytes (requests/s by wrk)\n"
    yield "| contender | requests/s | × file |"
    yield "|---|---|---|"
    for name, own in rates.items():
        ratio = statistics.median(mine / theirs for mine, theirs in zip(own, rates["file"], strict=True))
        yield f"| {name} | {statistics.median(own):.0f} ({min(own):.0f}–{max(own):.0f}) | {ratio:.2f} |"


def _rate(url: str) -> float:
    wrk = shutil.which("wrk")
    if wrk is None:
        sys.exit("wrk is missing: apt-get install wrk")
    out = subprocess.run([wrk, "-t1", "-c8", "-d2s", url], capture_output=True, text=True, check=True).stdout
    return float(next(line.split()[1] for line in out.splitlines() if line.startswith("Requests/sec")))


@contextmanager
def running(products: int) -> Iterator[Bench]:
    with ExitStack() as stack:
        yield Bench(stack, products)


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="python -m tests.bench", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--times", type=int, default=300)
    parser.add_argument("--products", type=int, default=10_000)
    parser.add_argument("--deep", type=int, default=100_000)
    parser.add_argument("--only", default="pages,acts,depth,memory,start,nginx")
    asked = parser.parse_args()
    parts: dict[str, Callable[[Bench], Iterator[str]]] = {
        "pages": lambda bench: pages(bench, asked.rounds, asked.times),
        "acts": lambda bench: acts_table(bench, asked.rounds, asked.times),
        "depth": lambda bench: depth(bench, asked.rounds, asked.times, asked.deep),
        "memory": lambda bench: memory(bench, asked.rounds, asked.times),
        "start": lambda bench: start(bench, asked.rounds, asked.times),
        "nginx": lambda bench: nginx(bench, asked.rounds, asked.times),
    }
    for name in asked.only.split(","):
        with running(asked.products) as bench:
            for line in parts[name](bench):
                print(line, flush=True)


if __name__ == "__main__":
    main()
