"""What importing a catalog costs beside its floor: the same rows written into the same empty tables with sqlite3's ``executemany``.

``python -m tests.bench.import_floor FILE`` imports FILE twice into a fresh shop (SQLite), then writes what it wrote, table by table and in one
transaction, and prints CPU seconds, wall seconds and their ratios. CPU is the figure to look at: others may be using the machine.
"""

from __future__ import annotations

import gc
import logging
import resource
import shutil
import sqlite3
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from flask import Flask

from config import Config
from shop import create_app, enable_migrations
from shop.catalog.transfer.importer import import_file
from shop.clock import now
from shop.db import Base


class Cost(NamedTuple):
    """What something took."""

    cpu_s: float
    wall_s: float


def measure(act: Callable[[], object]) -> Cost:
    gc.collect()
    cpu, wall = time.process_time(), time.perf_counter()
    act()
    return Cost(time.process_time() - cpu, time.perf_counter() - wall)


def resident_mb() -> int:
    """The most memory that this process ever had."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024


@contextmanager
def fresh_shop(folder: Path) -> Iterator[tuple[Flask, Path]]:
    """An empty shop on SQLite, and the file of its database."""
    database = folder / "shop.db"
    environ = {"SHOP_INSTANCE": str(folder), "DATABASE_URL": f"sqlite:///{database}", "SECRET_KEY": "x" * 40, "SHOP_COURIER": "0"}
    app = create_app(Config.from_env(environ, testing=True))
    enable_migrations(app)
    with app.app_context():
        from flask_migrate import upgrade

        upgrade()
        logging.disable(logging.INFO)
        yield app, database


def written_rows(database: Path) -> dict[str, list[tuple[object, ...]]]:
    """Everything in the shop's tables, in the order in which references allow it to be written."""
    with sqlite3.connect(database) as link:
        found = {table.name: link.execute(f"SELECT * FROM {table.name}").fetchall() for table in Base.metadata.sorted_tables}
    return {name: rows for name, rows in found.items() if rows}


def write_floor(database: Path, rows: dict[str, list[tuple[object, ...]]]) -> None:
    """The rows into the empty tables, one ``executemany`` for each."""
    link = sqlite3.connect(database, isolation_level=None)
    link.execute("PRAGMA journal_mode = WAL")
    link.execute("PRAGMA synchronous = FULL")
    link.execute("BEGIN IMMEDIATE")
    for name, many in rows.items():
        marks = ", ".join("?" * len(many[0]))
        link.executemany(f"INSERT INTO {name} VALUES ({marks})", many)
    link.execute("COMMIT")
    link.close()


def main(path: Path) -> None:
    folder = Path(tempfile.mkdtemp(prefix="bodega-import-"))
    try:
        with fresh_shop(folder) as (_, database):
            empty = folder / "empty.db"
            with sqlite3.connect(database) as link, sqlite3.connect(empty) as copy:
                link.backup(copy)
                copy.execute("PRAGMA user_version = 1")
            before = resident_mb()
            first = measure(lambda: import_file(path, at=now()).close())
            second = measure(lambda: import_file(path, at=now()).close())
            most = resident_mb()
        floors = []
        rows = {name: many for name, many in written_rows(database).items() if name not in written_rows(empty)}
        for number in range(3):
            target = folder / f"floor{number}.db"
            shutil.copy(empty, target)
            floors.append(measure(lambda target=target: write_floor(target, rows)))  # type: ignore[misc]
        floor = min(floors)
    finally:
        shutil.rmtree(folder)
    print(f"{sum(map(len, rows.values())):,} rows in {len(rows)} tables; {most} MB resident at most, {before} MB before")
    print(f"{'':14}{'CPU s':>8}{'wall s':>8}{'of the floor':>14}")
    for name, cost in (("executemany", floor), ("first import", first), ("second import", second)):
        print(f"{name:14}{cost.cpu_s:8.2f}{cost.wall_s:8.2f}{cost.cpu_s / floor.cpu_s:13.2f}×")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
