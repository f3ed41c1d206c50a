"""A live backup beside SQLite's own backup of the same file: ``python -m tests.bench.backup``. One run, in pairs; somebody writes all the while.

Both write a file that is on the disk when they end. The shop's holds the hashes of all parts and the counts of all tables as well.
"""

from __future__ import annotations

import argparse
import os
import sqlite3
import statistics
import tempfile
import threading
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

from config import Config
from shop import create_app
from shop.backup.making import make_backup
from shop.clock import now
from shop.db import db
from shop.founding import found_shop

SECRET = "a secret for tests only, long enough to be taken"
ROW = "INSERT INTO settings (name, locale, value) VALUES ('bench-' || lower(hex(randomblob(8))), '', ?)"


def fill(path: Path, megabytes: int) -> None:
    """Rows of some hundred letters, until the file has that size."""
    with closing(sqlite3.connect(path)) as link:
        while path.stat().st_size < megabytes * 10**6:
            link.executemany(ROW, [("x" * 300,) for _ in range(20_000)])
            link.commit()
            link.execute("PRAGMA wal_checkpoint(TRUNCATE)")


def own_backup(source: Path, target: Path) -> None:
    with closing(sqlite3.connect(source)) as link, closing(sqlite3.connect(target)) as copy:
        link.backup(copy)
    descriptor = os.open(target, os.O_RDONLY)
    os.fsync(descriptor)
    os.close(descriptor)


def took(act: Callable[[], object]) -> float:
    begun = time.perf_counter()
    act()
    return time.perf_counter() - begun


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.bench.backup", description=__doc__)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--megabytes", type=int, default=200)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        app = create_app(Config.from_env({"SHOP_INSTANCE": name, "SECRET_KEY": SECRET, "SHOP_COURIER": "0"}))
        with app.app_context():
            found_shop(at=now())
            fill(folder / "shop.db", asked.megabytes)
            pairs = compare(folder, asked.rounds)
            db.session.remove()
            db.engine.dispose()
    ratios = [mine / theirs for mine, theirs in pairs]
    print(f"{asked.megabytes} MB, {asked.rounds} pairs, load {os.getloadavg()[0]:.1f}")
    print(
        f"SQLite's own backup: {statistics.median(own for _, own in pairs):.2f} s; the shop's: {statistics.median(mine for mine, _ in pairs):.2f} s"
    )
    print(f"ratio: median {statistics.median(ratios):.2f}, from {min(ratios):.2f} to {max(ratios):.2f} (wanted: at most 5)")


def compare(folder: Path, rounds: int) -> list[tuple[float, float]]:
    """Seconds of the shop's backup and of SQLite's own, by turns, while somebody writes."""
    stop, pairs = threading.Event(), []

    def write() -> None:
        with closing(sqlite3.connect(folder / "shop.db", timeout=30)) as link:
            while not stop.wait(0.02):
                link.execute("UPDATE settings SET value = value WHERE name = 'shop.name'")
                link.commit()

    writer = threading.Thread(target=write)
    writer.start()
    try:
        for number in range(rounds):
            ours, theirs = folder / f"{number}.tar", folder / f"{number}.db"
            mine = took(lambda ours=ours: make_backup(ours, create_app, at=now(), tell=lambda _b: None, step=lambda _w: None))
            own = took(lambda theirs=theirs: own_backup(folder / "shop.db", theirs))
            pairs.append((mine, own))
            ours.unlink()
            theirs.unlink()
    finally:
        stop.set()
        writer.join()
    return pairs


if __name__ == "__main__":
    main()
