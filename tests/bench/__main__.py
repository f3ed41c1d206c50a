"""`make bench`: builds the catalogs, starts all contenders, lets them take turns, prints tables. It judges nothing: read the ratios.

python -m tests.bench [--rounds N] [--times N] [--only pages,acts,depth,memory,start,nginx,quote,place,eyes,retailers,shelf,outbox] [--products N] [--deep N]
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
from shop.web.pagination import encode_cursor
from tests.bench import acts
from tests.bench.eyes import eyes
from tests.bench.load import Act, Answering, Browser, Contender, children, compare, proportional_mb, resident_mb, table
from tests.bench.orders import orders
from tests.bench.outbox import outbox
from tests.bench.quotes import quotes
from tests.bench.retailers import retailers
from tests.bench.shelf import shelf
from tests.bench.world import CATEGORIES, EVERYTHING, build
from tests.servers import PROGRAMS, ROOT, SECRET, free_port, serve_nginx, settings

WORKERS = "2"
SEEN = 48  # goods that are opened again and again
PLACES = {
    "featured": 1_000,
    "new": 1_790_000_000_000_000,
    "price_asc": 2_000,
    "price_desc": 9_000,
}  # somewhere within the list of each order


@dataclass
class Shop:
    """A shop or a floor under gunicorn, and whose time it takes."""

    url: str
    who: Answering

    def get(self, path: str) -> Act:
        browser = self.browser()
        return lambda: browser.ask("GET", path)

    def browser(self) -> Browser:
        return Browser(self.url)


class Bench:
    """One run: its folder, its databases, its servers; everything ends with it."""

    def __init__(self, stack: ExitStack, products: int) -> None:
        self.stack, self.products = stack, products
        self.servers = ExitStack()
        self.filled: dict[tuple[str, int], Config] = {}
        self.folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="bodega-bench-")))
        self.server = os.environ.get("TEST_DATABASE_URL", "")

    @contextmanager
    def part(self) -> Iterator[Bench]:
        """One part of the run: its servers end with it, the databases stay for the next."""
        with ExitStack() as self.servers:
            yield self

    def databases(self) -> dict[str, Config]:
        """The filled shops that are compared; PostgreSQL where TEST_DATABASE_URL names a server."""
        kinds = {"SQLite": "sqlite", **({"PostgreSQL": "postgresql"} if self.server else {})}
        return {name: self.database(kind, self.products) for name, kind in kinds.items()}

    def database(self, kind: str, products: int) -> Config:
        """A shop filled once; SQLite in its instance folder, PostgreSQL in a database of its own."""
        if (kind, products) not in self.filled:
            self.filled[kind, products] = self._fill(kind, products)
        return self.filled[kind, products]

    def _fill(self, kind: str, products: int) -> Config:
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

    def shop(
        self, config: Config, *, workers: str = WORKERS, socket: Path | None = None, application: str = "wsgi:app", **changes: str
    ) -> Shop:
        environ = settings(
            config.instance,
            DATABASE_URL=config.database_url,
            WEB_CONCURRENCY=workers,
            SHOP_COURIER="0",
            SHOP_PROXIES="1" if socket else "0",
            MALLOC_ARENA_MAX="2",  # as deploy/start.py says
            **changes,
        )
        return self._serve(["--config", "deploy/gunicorn.conf.py", application], environ, config.database_url, socket)

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
        self.servers.callback(_stop, process)
        shop = Shop(f"http://127.0.0.1:{port}", Answering(process.pid, *_postmaster(database_url)))
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


def _postmaster(database_url: str) -> tuple[int, str]:
    """The process of the PostgreSQL server, whose children answer, and the database that they answer for."""
    if not database_url.startswith("postgresql"):
        return 0, ""
    engine = create_engine(database_url)
    with engine.connect() as connection:
        backend = connection.execute(text("SELECT pg_backend_pid()")).scalar_one()
        parent = int(Path(f"/proc/{backend}/stat").read_text().rsplit(")", 1)[1].split()[1])
    engine.dispose()
    return parent, str(make_url(database_url).database)


def _wait_for(shop: Shop) -> None:
    for _ in range(1200):
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
    """Category and product page beside their floors: kept by the application, more than it keeps, for a guest with a cart, and for a member."""
    configs = bench.databases()
    ours = {name: bench.shop(config) for name, config in configs.items()}
    example = ours["SQLite"].browser()
    size, product_size = (len(example.ask("GET", path)) for path in (f"/c/category-{CATEGORIES}", "/p/product-7"))
    floors = {name: bench.floor(config, FLOOR_BYTES=size, FLOOR_PRODUCT_BYTES=product_size) for name, config in configs.items()}
    jinja = walking("bare Jinja page from memory", floors["SQLite"], lambda _: "/jinja")
    lists = [jinja]
    for name, shop in ours.items():
        lists += [
            walking(f"raw {name}", floors[name], lambda n: f"/raw/{n % CATEGORIES + 1}"),
            walking(f"the shop on {name}, seen before", shop, lambda n: f"/c/category-{n % CATEGORIES + 1}"),
            walking(f"the shop on {name}, more pages than it keeps", shop, _some_list),
            walking(f"the shop on {name}, guest with a cart", shop, lambda n: f"/c/category-{n % CATEGORIES + 1}", put_one_in),
            walking(f"the shop on {name}, member", shop, lambda n: f"/c/category-{n % CATEGORIES + 1}", acts.become_member),
        ]
    compare(lists, rounds=rounds, times=times)
    yield from table(f"Category page, {bench.products} products, 24 cards, {CATEGORIES} categories, {size} bytes", lists)
    for name, shop in ours.items():
        goods = [
            walking(f"raw {name}", floors[name], lambda n: f"/product/{n % bench.products + 1}"),
            walking("the shop, seen before", shop, lambda n: f"/p/product-{n % SEEN + 1}"),
            walking("the shop, one good after another", shop, lambda n: f"/p/product-{n % bench.products + 1}"),
            walking("the shop, guest with a cart", shop, lambda n: f"/p/product-{n % SEEN + 1}", put_one_in),
            walking("the shop, member", shop, lambda n: f"/p/product-{n % SEEN + 1}", acts.become_member),
        ]
        compare(goods, rounds=rounds, times=times)
        yield from table(f"Product page on {name}, {product_size} bytes", goods)


def walking(name: str, shop: Shop, path: Callable[[int], str], begin: Callable[[Browser], object] | None = None) -> Contender:
    """Somebody who opens one page after another."""
    browser = shop.browser()
    if begin:
        begin(browser)
    return Contender(name, shop.who, rotating(lambda number: lambda: browser.ask("GET", path(number))))


def put_one_in(browser: Browser) -> None:
    acts.put_into_cart(browser, [3])


def _some_list(number: int) -> str:
    """One of four hundred lists, more than a worker keeps: each shelf in each order, from its beginning and from a place within."""
    order = ("featured", "new", "price_asc", "price_desc")[number // CATEGORIES % 4]
    shelf = f"/c/category-{number % CATEGORIES + 1}?sort={order}"
    return shelf if number // CATEGORIES % 8 < 4 else f"{shelf}&cursor={encode_cursor(order, 'next', PLACES[order], 0)}"


def acts_table(bench: Bench, rounds: int, times: int) -> Iterator[str]:
    """Adding to the cart, ordering, a whole guest checkout, beside their floors."""
    for name, config in bench.databases().items():
        shop, floor = bench.shop(config), bench.floor(config)
        adds = [acting("raw add to cart", floor, acts.raw_add), acting("add to cart", shop, acts.add)]
        compare(adds, rounds=rounds, times=max(40, times // 4))
        yield from table(f"Add to cart on {name}", adds)
        orders = [
            acting("the same rows by hand", floor, acts.raw_whole_order),
            acting("the least that an order is, by hand", floor, acts.raw_order),
            acting("order of three lines", shop, acts.order),
        ]
        compare(orders, rounds=rounds, times=max(20, times // 6))
        yield from table(f"Placing an order on {name}", orders)
        yield f"of the least that an order is: {orders[2].times(orders[1]):.2f} ×"
        whole = [acting("a guest's whole checkout", shop, lambda browser, n: lambda: acts.whole_checkout(browser, n))]
        compare(whole, rounds=rounds, times=max(10, times // 20))
        yield from table(f"Product, three adds, cart, checkout, order, order page on {name} (django-oscar 4.2.1: 236–240)", whole)


def acting(name: str, shop: Shop, prepare: Callable[[Browser, int], Act]) -> Contender:
    """Somebody new for every act."""
    return Contender(name, shop.who, rotating(lambda number: prepare(shop.browser(), number)))


def depth(bench: Bench, rounds: int, times: int, deep: int) -> Iterator[str]:
    """The same page at ten times the products, and at page 4,000; rendered for a member each time, and as it is kept for strangers."""
    small, large = bench.shop(bench.database("sqlite", bench.products)), bench.shop(bench.database("sqlite", deep))
    shelf, page = f"/c/category-{EVERYTHING}", min(4_000, deep // 24 - 2)
    cursor = acts.cursor_of_page(large.browser(), shelf, page=page, per_page=24)
    for title, begin in (("rendered each time, for a member", acts.become_member), ("kept by the application", None)):
        contenders = [
            walking(f"{bench.products} products, page 1", small, lambda _n: shelf, begin),
            walking(f"{deep} products, page 1", large, lambda _n: shelf, begin),
            walking(f"{deep} products, page {page}", large, lambda _n: f"{shelf}?{cursor}", begin),
        ]
        compare(contenders, rounds=rounds, times=max(50, times // 2))
        yield from table(f"Depth on SQLite, {title}", contenders)


def memory(bench: Bench, _rounds: int, _times: int) -> Iterator[str]:
    """Resident and proportional memory of workers that were forked from a master with everything loaded, after up to 10,000 mixed requests.

    Proportional: a page that four processes share counts a quarter in each. The master has its share, too, and is told beside.
    """
    for workers in ("1", WORKERS, "4"):
        with bench.part():
            shop = bench.shop(bench.database("sqlite", bench.products), workers=workers)
            yield f"\nMemory of a worker (MB), {workers} of them\n"
            yield "| after requests | resident | proportional, median | most | of the master |"
            yield "|---|---|---|---|---|"
            done = 0
            for goal in (100, 1_000, 10_000):
                while done < goal:
                    done += acts.mixed(shop.browser(), done)
                processes = children(shop.who.server)
                shares = [proportional_mb(worker) for worker in processes]
                resident = statistics.median(resident_mb(worker) for worker in processes)
                master = proportional_mb(shop.who.server)
                yield f"| {goal} | {resident:.1f} | {statistics.median(shares):.1f} | {max(shares):.1f} | {master:.1f} |"


def start(bench: Bench, rounds: int, _times: int) -> Iterator[str]:
    """From the start of gunicorn to the first page: processor time of all its processes, and seconds. The first start, which compiles, does not count."""
    config = bench.database("sqlite", bench.products)
    plain = "import flask, flask_sqlalchemy, psycopg; app = flask.Flask('plain'); app.get('/', endpoint='x')(lambda: 'ok')"
    (bench.folder / "plain_app.py").write_text(plain)
    environ = settings(config.instance, SHOP_COURIER="0", WEB_CONCURRENCY="1")
    sides = {
        "bare Flask + SQLAlchemy + psycopg": (["plain_app:app", "--no-control-socket", "--chdir", str(bench.folder)], environ),
        "the shop": (["--config", "deploy/gunicorn.conf.py", "wsgi:app"], environ),
    }
    took: dict[str, list[tuple[float, float]]] = {name: [] for name in sides}
    for _ in range(rounds + 1):
        for name, (words, own) in sides.items():
            took[name].append(_first_page(words, own))
    yield f"\nFrom gunicorn's start to the first page (load {os.getloadavg()[0]:.1f})\n"
    yield "| contender | processor time, s | × base | × base, least | seconds | × base |"
    yield "|---|---|---|---|---|---|"
    bases = list(zip(*next(iter(took.values()))[1:], strict=True))
    for name, pairs in took.items():
        (cpu, cpu_base), (wall, wall_base) = zip(zip(*pairs[1:], strict=True), bases, strict=True)
        yield f"| {name} | {_spread(cpu)} | {_ratio(cpu, cpu_base)} | {min(cpu) / min(cpu_base):.2f} | {_spread(wall)} | {_ratio(wall, wall_base)} |"

    yield f"\ncreate_app(), imports included: {_create_app_s(environ):.2f} s of processor time"


def _spread(times: Sequence[float]) -> str:
    return f"{statistics.median(times):.2f} ({min(times):.2f}–{max(times):.2f})"


def _ratio(mine: Sequence[float], base: Sequence[float]) -> str:
    return f"{statistics.median(own / theirs for own, theirs in zip(mine, base, strict=True)):.2f}"


def _create_app_s(environ: dict[str, str]) -> float:
    code = "from shop import create_app; create_app(); import time; print(time.process_time())"
    out = [
        subprocess.run([sys.executable, "-c", code], cwd=ROOT, env=environ, capture_output=True, text=True, check=True) for _ in range(5)
    ]
    return statistics.median(float(one.stdout) for one in out)


def _first_page(words: list[str], environ: dict[str, str]) -> tuple[float, float]:
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
                return Answering(process.pid).cpu_ms() / 1000, time.perf_counter() - begun
            except OSError:
                time.sleep(0.005)
        raise RuntimeError("no first page")
    finally:
        process.terminate()
        process.wait(30)


def nginx(bench: Bench, rounds: int, _times: int) -> Iterator[str]:
    """A hit of nginx's cache beside a file of the same size."""
    socket = bench.folder / "shop.sock"
    config = bench.database("sqlite", bench.products)
    bench.shop(config, socket=socket)
    front = bench.servers.enter_context(serve_nginx(bench.folder, config.instance, socket))
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
    parser.add_argument("--events", type=int, default=2_000)
    parser.add_argument("--only", default="pages,acts,depth,memory,start,nginx,quote,place,eyes,retailers,shelf,outbox")
    asked = parser.parse_args()
    parts: dict[str, Callable[[Bench], Iterator[str]]] = {
        "pages": lambda bench: pages(bench, asked.rounds, asked.times),
        "acts": lambda bench: acts_table(bench, asked.rounds, asked.times),
        "depth": lambda bench: depth(bench, asked.rounds, asked.times, asked.deep),
        "memory": lambda bench: memory(bench, asked.rounds, asked.times),
        "start": lambda bench: start(bench, asked.rounds, asked.times),
        "nginx": lambda bench: nginx(bench, asked.rounds, asked.times),
        "eyes": lambda bench: eyes(bench, asked.rounds, asked.times),
        "shelf": lambda bench: shelf(bench, asked.rounds, asked.times, walking),
        "place": lambda bench: orders(bench.databases(), min(asked.rounds, 5), asked.times),
        "outbox": lambda bench: outbox(bench.server, min(asked.rounds, 3), asked.events),
        "retailers": lambda bench: retailers(
            bench.database("sqlite", 1_000).instance,
            bench.folder / "retailers",
            many=20,
            rounds=asked.rounds,
            times=max(asked.times, 1_000),
        ),
        "quote": lambda _bench: quotes(asked.rounds, max(asked.times // 10, 1)),
    }
    with running(asked.products) as bench:
        for name in asked.only.split(","):
            with bench.part():
                for line in parts[name](bench):
                    print(line, flush=True)


if __name__ == "__main__":
    main()
