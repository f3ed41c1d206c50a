"""What lines, figures and numbers of requests cost a page.

Both sides live in one process and take turns every few requests: the shop with its eyes open beside the same shop without any. So a busy neighbor, a cold
cache or a slow minute hits both alike. Cost is the processor time of that process; the way from the socket to the application, which both pay and which would
make the share smaller, is left out.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from werkzeug.test import Client

from tests.servers import ROOT, settings

if TYPE_CHECKING:
    from tests.bench.__main__ import Bench

EYES = {"METRICS": "1", "LOG_FORMAT": "json"}
SIDES = {"lines, figures and numbers": EYES, "and the lines in a file as well": {**EYES, "LOG_FILE": "logs/app.log"}}
TURN = 10


def eyes(bench: Bench, rounds: int, times: int) -> Iterator[str]:
    """The cheapest page there is (seen before), one rendered for somebody with a cart, and putting something in."""
    for name, config in bench.databases().items():
        yield f"\nWhat the shop's eyes cost on {name} (load {os.getloadavg()[0]:.1f})\n"
        yield "| request | with | without, µs | with, µs | × without (quarter–three quarters of the turns) |"
        yield "|---|---|---|---|---|"
        for side, changes in SIDES.items():
            environ = settings(config.instance, DATABASE_URL=config.database_url, SHOP_COURIER="0", **changes)
            lines = config.instance / "lines.log"
            with lines.open("wb") as out:
                words = [sys.executable, "-m", "tests.bench.eyes", str(rounds * times // TURN)]
                ran = subprocess.run(words, cwd=ROOT, env=environ, stdout=out, stderr=subprocess.PIPE, text=True, check=False)
            if ran.returncode:
                raise RuntimeError(ran.stderr)
            for request, (off, on, low, middle, high) in json.loads(ran.stderr.splitlines()[-1]).items():
                yield f"| {request} | {side} | {off:.0f} | {on:.0f} | {middle:.3f} ({low:.3f}–{high:.3f}) |"


def measure(turns: int) -> dict[str, tuple[float, ...]]:
    """In a process of its own, whose standard output takes the lines: each request's cost (µs, medians) without and with, and the quartiles of the ratio."""
    from config import Config
    from shop import create_app, observe
    from shop.observe.process import begin_to_count, open_eyes

    config = Config.from_env()
    open_eyes(config)
    begin_to_count(config)
    on = create_app(config)
    sees = observe.init_app
    observe.init_app = lambda app: app.extensions.__setitem__("observe", config.name)
    off = create_app(config)
    observe.init_app = sees
    sides = [Client(off), Client(on)]
    return {name: _pair([make(side) for side in sides], turns) for name, make in REQUESTS.items()}


def _stranger(client: Client) -> Callable[[], object]:
    return lambda: _ask(client, "/c/category-7")


def _guest(client: Client) -> Callable[[], object]:
    put = client.post("/api/v1/cart/items", json={"variant_id": 3, "quantity": 1}, headers={"Sec-Fetch-Site": "same-origin"})
    assert put.status_code < 300, put.text
    return lambda: _ask(client, "/c/category-7")


def _cart(client: Client) -> Callable[[], object]:
    return lambda: _ask(client, "/cart")


REQUESTS: dict[str, Callable[[Client], Callable[[], object]]] = {
    "category page, seen before": _stranger,
    "category page, guest with a cart": _guest,
    "cart": _cart,
}


def _ask(client: Client, path: str) -> None:
    answer = client.get(path)
    assert answer.status_code == 200, answer.status


def _pair(acts: list[Callable[[], object]], turns: int) -> tuple[float, ...]:
    costs: tuple[list[float], list[float]] = ([], [])
    for number in range(turns + 5):
        order = (0, 1) if number % 2 else (1, 0)
        took = {side: _cost(acts[side]) for side in order}
        if number >= 5:  # what was not loaded before is now
            for side in order:
                costs[side].append(took[side])
    off, on = costs
    low, middle, high = statistics.quantiles([mine / theirs for mine, theirs in zip(on, off, strict=True)], n=4)
    return statistics.median(off), statistics.median(on), low, middle, high


def _cost(act: Callable[[], object]) -> float:
    """Microseconds of processor time for one request."""
    began = time.process_time_ns()
    for _ in range(TURN):
        act()
    return (time.process_time_ns() - began) / 1000 / TURN


if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).resolve().parents[2]))
    print(json.dumps(measure(int(sys.argv[1]))), file=sys.stderr)
