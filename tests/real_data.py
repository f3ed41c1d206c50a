"""Import every catalog below a folder into an empty shop and check the counts by counting the files anew, with plain csv and json.

``make real-data DATA=folder``. Run by hand: the files are not ours to keep here. Each file gets a fresh shop, is imported twice (the second time
nothing may change), and is counted again by the rules of its format, written out below without using the importer's readers.
SQLite by default; TEST_DATABASE_URL names a PostgreSQL server on which databases may be made.
"""

from __future__ import annotations

import csv
import gzip
import json
import logging
import os
import re
import shutil
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from sqlalchemy import create_engine, text
from sqlalchemy.engine import make_url

from config import Config
from shop import create_app, enable_migrations
from shop.catalog.transfer.importer import import_file
from shop.catalog.transfer.readers import UnknownFormat
from shop.clock import now
from shop.db import db

KINDS = {".csv", ".tsv", ".xml", ".jsonl", ".gz"}


class Expected(NamedTuple):
    """What a plain count finds: rows of the file, products and variants that can go in."""

    rows: int
    products: int
    variants: int


def table(path: Path, mark: str = ",", encoding: str = "utf-8-sig") -> list[dict[str, str]]:
    csv.field_size_limit(1 << 28)
    with path.open(encoding=encoding, newline="") as file:
        return list(csv.DictReader(file, delimiter=mark))


def count_shopify(path: Path) -> Expected:
    rows = table(path)
    return Expected(len(rows), len({row["Handle"] for row in rows}), sum(1 for row in rows if row["Variant Price"]))


def count_woocommerce(path: Path) -> Expected:
    rows = table(path)
    variations = sum(1 for row in rows if "variation" in row["Type"])
    products = len(rows) - variations
    parents_and_groups = sum(1 for row in rows if row["Type"] in {"variable", "grouped"})
    return Expected(len(rows), products, variations + products - parents_and_groups)


def count_vendure(path: Path) -> Expected:
    rows = [{(key or "").strip(): (cell or "") for key, cell in row.items()} for row in table(path)]
    name = "name" if "name" in rows[0] else "name:en"
    return Expected(len(rows), sum(1 for row in rows if row[name].strip()), len(rows))


def count_sheet(path: Path) -> Expected:
    rows = table(path)
    if "path" in rows[0]:
        return Expected(len(rows), 0, 0)
    return Expected(len(rows), len({row["slug"] for row in rows}), len(rows))


def count_parts(path: Path) -> Expected:
    with gzip.open(path, "rt", encoding="utf-8") as file:
        skus = [json.loads(line)["sku"] for line in file]
    return Expected(len(skus), len(set(skus)), len(skus))


def count_google(path: Path) -> Expected:
    if path.suffix == ".xml":
        items = re.findall(r"<item>.*?</item>", path.read_text("utf-8"), re.DOTALL)
        groups = [found[1] if (found := re.search(r"<g:item_group_id>(.*?)</g:item_group_id>", item)) else None for item in items]
    else:
        groups = [row["item_group_id"] or None for row in table(path, "\t")]
    return Expected(len(groups), len({group for group in groups if group}) + groups.count(None), len(groups))


# Small odd files, counted by eye: rows, products, variants that go in.
BY_EYE = {
    "magento-backslash-quotes.csv": Expected(2, 2, 2),
    "medusa-exported-products-semicolon.csv": Expected(3, 2, 3),
    "medusa-invalid-prices.csv": Expected(1, 1, 1),
    "medusa-prices-with-region.csv": Expected(1, 1, 1),
    "medusa-v1-template.csv": Expected(5, 3, 5),
    "oscar-books-small-semicolon.csv": Expected(10, 10, 10),
    "oscar-books-small.csv": Expected(10, 10, 10),
    "oscar-books.essential.csv": Expected(82, 82, 82),
    "oscar-books.hacking.csv": Expected(33, 33, 33),
    "prestashop-semicolon.csv": Expected(3, 3, 3),
    "vendure-invalid-row-length.csv": Expected(3, 2, 2),
    "vendure-multiple-languages.csv": Expected(3, 1, 3),
    "crlf-cells-emoji-rtl.csv": Expected(7, 7, 7),
    "duplicates-and-bad-values.csv": Expected(13, 7, 9),
    "empty.csv": Expected(0, 0, 0),
    "header-only.csv": Expected(0, 0, 0),
    "invalid-utf8.csv": Expected(2, 2, 2),
    "macroman-cr-only.csv": Expected(3, 3, 3),
    "one-megabyte-cell.csv": Expected(2, 1, 1),
    "ragged-rows.csv": Expected(3, 1, 1),
    "semicolon-cp1252-decimal-comma.csv": Expected(3, 3, 3),
    "semicolon-utf8-bom.csv": Expected(3, 3, 3),
    "tab-utf16le-bom.csv": Expected(3, 3, 3),
    "unclosed-quote.csv": Expected(3, 2, 2),
}
COUNTERS: list[tuple[str, Callable[[Path], Expected]]] = [
    ("shopify/", count_shopify),
    ("woocommerce/", count_woocommerce),
    ("demo-catalog/", count_vendure),
    ("demo-world/", count_sheet),
    ("pc-parts/", count_parts),
    ("google-feed-made/", count_google),
]


def count(path: Path) -> Expected | None:
    if path.name in BY_EYE:
        return BY_EYE[path.name]
    return next((counter(path) for part, counter in COUNTERS if part in path.as_posix()), None)


@contextmanager
def fresh_shop() -> Iterator[None]:
    """An empty shop on a database of its own."""
    folder = Path(tempfile.mkdtemp(prefix="bodega-real-"))
    server, name = os.environ.get("TEST_DATABASE_URL"), f"bodega_real_{os.getpid()}"
    url = f"sqlite:///{folder / 'shop.db'}"
    if server:
        admin = create_engine(make_url(server).set(drivername="postgresql+psycopg"), isolation_level="AUTOCOMMIT")
        with admin.connect() as link:
            link.execute(text(f"CREATE DATABASE {name}"))
        url = make_url(server).set(drivername="postgresql+psycopg", database=name).render_as_string(hide_password=False)
    environ = {"SHOP_INSTANCE": str(folder), "DATABASE_URL": url, "SECRET_KEY": "x" * 40, "SHOP_COURIER": "0"}
    app = create_app(Config.from_env(environ, testing=True))
    enable_migrations(app)
    try:
        with app.app_context():
            from flask_migrate import upgrade

            upgrade()
            logging.disable(logging.INFO)
            yield
            db.session.remove()
            db.engine.dispose()
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        if server:
            with admin.connect() as link:
                link.execute(text(f"DROP DATABASE {name} WITH (FORCE)"))
            admin.dispose()


def stored(name: str) -> int:
    return int(db.session.execute(text(f"SELECT count(*) FROM {name}")).scalar_one())


def try_file(path: Path, root: Path) -> bool:
    """Import it twice and print a line; True when all counts agree."""
    shown = path.relative_to(root).as_posix()
    with fresh_shop():
        begun = time.perf_counter()
        try:
            report = import_file(path, at=now())
        except UnknownFormat:
            print(f"{shown:52} is no catalog")
            return True
        took = time.perf_counter() - begun
        again = import_file(path, at=now())
        found = Expected(report.rows, stored("products"), stored("variants"))
        wanted = count(path)
        is_calm = again.products["created"] + again.products["changed"] + again.variants["created"] + again.variants["changed"] == 0
        verdict = "ok" if found == wanted and is_calm else f"EXPECTED {wanted}" if found != wanted else "CHANGED AGAIN"
        numbers = f"{found.rows:8,}{found.products:9,}{found.variants:9,}{report.products['skipped']:8,}"
        print(f"{shown:52}{numbers}{report.severities['error']:8,}{report.severities['warning']:9,}{took:8.1f}  {verdict}", flush=True)
        report.close()
        again.close()
        return verdict == "ok"


def main(root: Path) -> int:
    print(f"{'file':52}{'rows':>8}{'products':>9}{'variants':>9}{'skipped':>8}{'errors':>8}{'warnings':>9}{'s':>8}")
    files = sorted(path for path in root.rglob("*") if path.suffix in KINDS and path.is_file())
    results = [try_file(path, root) for path in files if "tables" not in path.parts and "validators" not in path.parts]
    print(f"{sum(results)} of {len(results)} files as expected")
    return 0 if all(results) else 1


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]).resolve()))
