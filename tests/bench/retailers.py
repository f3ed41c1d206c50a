"""One process that serves twenty retailers beside the same process with one: processor time per request, and memory.

Both have the same door, the same code and the same pages, and get the same requests; the twenty get them by turns, so that between two requests to one
retailer lie nineteen to others.
"""

from __future__ import annotations

import gc
import os
import shutil
import statistics
import time
from collections.abc import Iterator
from itertools import cycle
from pathlib import Path
from typing import Any

from flask import Flask

from shop.retailer.door import make_door, shops_behind
from shop.retailer.folder import read_retailers

SHELVES, SEEN = 10, 12
ROUNDS_LEAST = 8


def retailers(instance: Path, folder: Path, *, many: int, rounds: int, times: int) -> Iterator[str]:
    """Lines of two tables. ``instance`` is a filled shop on SQLite, which each retailer gets a copy of."""
    before = _memory_mb()
    one, memory_one = open_door(instance, folder / "one", 1), _memory_mb()
    several, memory_many = open_door(instance, folder / "many", many), _memory_mb()
    sides = {f"one retailer, {times} requests": Side(one), f"{many} retailers by turns, {times} requests": Side(several)}
    for side in sides.values():
        side.ask(many * len(PATHS) * 2)  # each page of each retailer is made, and kept
    warm = _memory_mb()
    for number in range(max(rounds, ROUNDS_LEAST)):
        for side in list(sides.values())[:: 1 if number % 2 else -1]:
            side.costs.append(side.ask(times))
    base, other = (side.costs for side in sides.values())
    yield f"\nOne process, several retailers (load {os.getloadavg()[0]:.1f})\n"
    yield "| contender | CPU ms/request | × one | × one, least |"
    yield "|---|---|---|---|"
    for name, side in sides.items():
        ratio = statistics.median(mine / theirs for mine, theirs in zip(side.costs, base, strict=True))
        spread = f"{statistics.median(side.costs):.3f} ({min(side.costs):.3f}–{max(side.costs):.3f})"
        yield f"| {name} | {spread} | {ratio:.2f} | {min(side.costs) / min(base):.2f} |"
    yield f"\nof serving one: {statistics.median(a / b for a, b in zip(other, base, strict=True)):.2f} × (at most 1.3)"
    yield "\n| memory (MB, proportional) | |"
    yield "|---|---|"
    yield f"| each further one, opened | {(memory_many - memory_one) / many:.1f} |"
    yield f"| each of them, all pages seen | {(warm - before) / (many + 1):.1f} |"


PATHS = (
    "/",
    *(f"/c/category-{number}" for number in range(1, SHELVES + 1)),
    *(f"/p/product-{number}" for number in range(1, SEEN + 1)),
    "/api/v1/cart",
)


def open_door(instance: Path, root: Path, many: int) -> Flask:
    """So many retailers with a copy of the filled shop each."""
    for number in range(many):
        folder = root / f"retailer-{number}"
        shutil.copytree(instance, folder / "instance", ignore=shutil.ignore_patterns("*-wal", "*-shm", "*.log"))
        settings = f"SHOP_URL=http://retailer-{number}.example\nTEST_GATEWAY_SECRET=bank-{number}\nSECRET_KEY={number:040d}\n"
        (folder / ".env").write_text(settings)
    door = make_door(lambda: read_retailers(root, {"SHOP_COURIER": "0", "LOG_REQUESTS": "0"}))
    assert len(shops_behind(door)) == many
    return door


class Side:
    """A door and who comes through it."""

    def __init__(self, door: Flask) -> None:
        self.door = door
        hosts = list(door.extensions["door"].shops)
        self.requests: Any = cycle([_environ(host, path) for path in PATHS for host in hosts])
        self.costs: list[float] = []

    def ask(self, times: int) -> float:
        """CPU ms per request."""
        gc.collect()
        begun = time.process_time()
        for _ in range(times):
            answer = self.door.wsgi_app(dict(next(self.requests)), _start)
            b"".join(answer)
            getattr(answer, "close", lambda: None)()
        return (time.process_time() - begun) * 1000 / times


def _environ(host: str, path: str) -> dict[str, Any]:
    from werkzeug.test import create_environ

    return create_environ(path, f"http://{host}")


def _start(status: str, _headers: object, _error: object = None) -> None:
    if not status.startswith(("200", "404")):  # a stranger has no cart
        raise RuntimeError(status)


def _memory_mb() -> float:
    gc.collect()
    lines = Path("/proc/self/smaps_rollup").read_text().splitlines()
    return next(int(line.split()[1]) / 1024 for line in lines if line.startswith("Pss:"))
