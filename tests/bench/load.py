"""Requests on loopback, one after another on kept connections, and what they cost the processes that answer."""

from __future__ import annotations

import http.client
import os
import statistics
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

TICK_MS = 1000 / os.sysconf("SC_CLK_TCK")


def cpu_ms(pids: Sequence[int]) -> float:
    """User and system time of these processes and all below them, so far; children that ended count through their parents."""
    todo, total = list(pids), 0
    while todo:
        pid = todo.pop()
        try:
            fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
            total += sum(map(int, fields[11:15]))
            for task in Path(f"/proc/{pid}/task").iterdir():
                todo += map(int, (task / "children").read_text().split())
        except (FileNotFoundError, ProcessLookupError):
            continue
    return total * TICK_MS


def resident_mb(pid: int) -> float:
    """Resident memory of one process in MB."""
    return next(int(line.split()[1]) / 1024 for line in Path(f"/proc/{pid}/status").read_text().splitlines() if line.startswith("VmRSS"))


def children(pid: int) -> list[int]:
    return [int(child) for task in Path(f"/proc/{pid}/task").iterdir() for child in (task / "children").read_text().split()]


class Browser:
    """Keeps its connection and its cookies; expects the status it is told."""

    def __init__(self, url: str) -> None:
        self.connection = http.client.HTTPConnection(urlsplit(url).netloc, timeout=30)
        self.cookies: dict[str, str] = {}

    def ask(self, method: str, path: str, body: str = "", expect: int = 200) -> str:
        headers = {"Cookie": "; ".join(f"{name}={value}" for name, value in self.cookies.items())} if self.cookies else {}
        if body:
            headers["Content-Type"] = "application/x-www-form-urlencoded"
        self.connection.request(method, path, body or None, headers)
        response = self.connection.getresponse()
        text = response.read().decode()
        for cookie in response.headers.get_all("Set-Cookie") or ():
            name, _, value = cookie.partition(";")[0].partition("=")
            self.cookies[name] = value
        self.location = response.headers.get("Location", "")
        if response.status != expect:
            raise RuntimeError(f"{method} {path}: {response.status}, expected {expect}\n{text[:800]}")
        return text


Act = Callable[[], object]


@dataclass
class Contender:
    """One side of a table: ``prepare()`` is not measured and gives the act of one request; ``pids`` are who answers."""

    name: str
    pids: Sequence[int]
    prepare: Callable[[], Act]
    costs: list[float] = field(default_factory=list)

    def run(self, times: int) -> None:
        acts = [self.prepare() for _ in range(times)]
        _settle(self.pids)
        before = cpu_ms(self.pids)
        for act in acts:
            act()
        self.costs.append((cpu_ms(self.pids) - before) / times)

    @property
    def cost(self) -> float:
        return statistics.median(self.costs)

    def times(self, other: Contender) -> float:
        """How many times the other's cost, the median over the rounds."""
        return statistics.median(mine / theirs for mine, theirs in zip(self.costs, other.costs, strict=True))


def _settle(pids: Sequence[int]) -> None:
    """Wait until what was asked before is done with."""
    last = -1.0
    while (now := cpu_ms(pids)) != last:
        last = now
        time.sleep(0.05)


def compare(contenders: Sequence[Contender], *, rounds: int, times: int) -> None:
    """Let all take turns, back and forth."""
    for contender in contenders:
        contender.run(max(20, times // 4))
        contender.costs.clear()
    for number in range(rounds):
        for contender in contenders if number % 2 == 0 else reversed(contenders):
            contender.run(times)


def table(title: str, contenders: Sequence[Contender], base: Contender | None = None) -> Iterator[str]:
    """Lines of a Markdown table: median (least–most) CPU ms per request, and how many times the base."""
    base = base or contenders[0]
    yield f"\n{title}\n"
    yield "| contender | CPU ms/request | × base |"
    yield "|---|---|---|"
    for contender in contenders:
        yield f"| {contender.name} | {contender.cost:.2f} ({min(contender.costs):.2f}–{max(contender.costs):.2f}) | {contender.times(base):.2f} |"
