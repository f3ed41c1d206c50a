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

IDLE_S = 1.0  # servers close connections on which nothing was said for some seconds


@dataclass(frozen=True)
class Answering:
    """Who answers: a server with all below it, and the database server's processes that serve one database."""

    server: int
    postmaster: int = 0
    database: str = ""

    def pids(self) -> list[int]:
        found, todo = [], [self.server]
        while todo:
            pid = todo.pop()
            found.append(pid)
            todo += children(pid)
        backends = children(self.postmaster) if self.postmaster else []
        return found + [pid for pid in backends if f" {self.database} " in _command(pid)]

    def cpu_ms(self) -> float:
        """User and system time so far, as exact as the scheduler knows it."""
        return sum(map(_cpu_ms, self.pids()))


def _cpu_ms(pid: int) -> float:
    """The processor time of all threads of a process, ended ones included. Source: ``clock_getcpuclockid(3)``, the number of that clock."""
    try:
        return time.clock_gettime_ns((~pid << 3) | 2) / 1e6
    except OSError:
        return 0.0


def _command(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
    except (FileNotFoundError, ProcessLookupError):
        return ""


def resident_mb(pid: int) -> float:
    """Resident memory of one process in MB."""
    return next(int(line.split()[1]) / 1024 for line in Path(f"/proc/{pid}/status").read_text().splitlines() if line.startswith("VmRSS"))


def proportional_mb(pid: int) -> float:
    """Memory of one process in MB, what it shares with others counted by its share of it (PSS)."""
    return next(
        int(line.split()[1]) / 1024 for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines() if line.startswith("Pss:")
    )


def children(pid: int) -> list[int]:
    """The processes that this one started."""
    return [int(child) for task in Path(f"/proc/{pid}/task").iterdir() for child in (task / "children").read_text().split()]


class Browser:
    """Keeps its connection and its cookies; expects the status it is told."""

    def __init__(self, url: str) -> None:
        self.connection = http.client.HTTPConnection(urlsplit(url).netloc, timeout=30)
        self.cookies: dict[str, str] = {}
        self.asked_at = 0.0
        self.location = ""

    def ask(self, method: str, path: str, body: str = "", expect: int = 200) -> str:
        headers = {"Cookie": "; ".join(f"{name}={value}" for name, value in self.cookies.items())} if self.cookies else {}
        if body:
            headers["Content-Type"] = "application/x-www-form-urlencoded"
        if time.monotonic() - self.asked_at > IDLE_S:
            self.connection.close()
        self.connection.request(method, path, body or None, headers)
        response = self.connection.getresponse()
        self.asked_at = time.monotonic()
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
    """One side of a table: ``prepare()`` is not measured and gives the act of one request."""

    name: str
    who: Answering
    prepare: Callable[[], Act]
    costs: list[float] = field(default_factory=list)

    def run(self, times: int) -> None:
        acts = [self.prepare() for _ in range(times)]
        _settle(self.who)
        before = self.who.cpu_ms()
        for act in acts:
            act()
        self.costs.append((self.who.cpu_ms() - before) / times)

    @property
    def cost(self) -> float:
        return statistics.median(self.costs)

    def times(self, other: Contender) -> float:
        """How many times the other's cost, the median over the rounds."""
        return statistics.median(mine / theirs for mine, theirs in zip(self.costs, other.costs, strict=True))


def _settle(who: Answering) -> None:
    """Wait until what was asked before is done with."""
    last = who.cpu_ms() - 10
    while (now := who.cpu_ms()) - last > 1:
        last = now
        time.sleep(0.05)


def compare(contenders: Sequence[Contender], *, rounds: int, times: int) -> None:
    """Let all take turns, back and forth."""
    for contender in contenders:
        contender.run(max(100, times // 2))
        contender.costs.clear()
    for number in range(rounds):
        for contender in contenders if number % 2 == 0 else reversed(contenders):
            contender.run(times)


def table(title: str, contenders: Sequence[Contender], base: Contender | None = None) -> Iterator[str]:
    """Lines of a Markdown table: median (least–most) CPU ms per request, how many times the base (median of the rounds), least by least."""
    base = base or contenders[0]
    yield f"\n{title} (load {os.getloadavg()[0]:.1f})\n"
    yield "| contender | CPU ms/request | × base | × base, least |"
    yield "|---|---|---|---|"
    for contender in contenders:
        costs = contender.costs
        least = min(costs) / min(base.costs)
        yield f"| {contender.name} | {contender.cost:.2f} ({min(costs):.2f}–{max(costs):.2f}) | {contender.times(base):.2f} | {least:.2f} |"
