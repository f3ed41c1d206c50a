"""What is being done just now: a request, a delivery, a task. Its number goes into every line, mail and call that comes of it."""

from __future__ import annotations

import secrets
import time
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any


class Trace:
    """One piece of work: its number, which shop's it is, its statements so far, when it began (a monotonic clock, in ns),
    its span.

    ``private``: what somebody sent or is, that no line may hold; anything of dicts, lists and texts.
    """

    __slots__ = ("began_ns", "private", "request_id", "shop", "span", "sql_ns", "statements")

    def __init__(self, request_id: str, shop: str, private: Any = None) -> None:
        self.request_id, self.shop, self.private = request_id, shop, private
        self.statements = self.sql_ns = 0
        self.span: Any = None
        self.began_ns = time.perf_counter_ns()

    @property
    def took_s(self) -> float:
        """Seconds since it began."""
        return (time.perf_counter_ns() - self.began_ns) / 1e9


current: ContextVar[Trace | None] = ContextVar("trace", default=None)


def new_id() -> str:
    """A number for a piece of work, short enough to be read out on the telephone."""
    return secrets.token_hex(8)


def request_id() -> str:
    """The number of what is being done, or ""."""
    trace = current.get()
    return trace.request_id if trace is not None else ""


@contextmanager
def following(number: str, shop: str, private: Any = None) -> Iterator[Trace]:
    """Work that comes of the request ``number``; of none, it gets a number of its own."""
    trace = Trace(number or new_id(), shop, private)
    before = current.set(trace)
    try:
        yield trace
    finally:
        current.reset(before)
