"""The places of an act at which a process may die or the world may fail: statements, commits, calls of the bank.

``watching`` tells every place to whoever listens, in the order in which they are reached. A watcher may raise there, wait there, or die there.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Any

from sqlalchemy import Engine, event
from sqlalchemy.orm import Session

from shop.payment.gateways.base import Asked
from shop.payment.test_bank.books import Charge, PaidBack

Reach = Callable[[str], None]
PLACES = ("begin", "statement", "commit", "committed", "call", "called")


@contextmanager
def watching(engine: Engine, reach: Reach) -> Iterator[None]:
    """``reach("begin")`` before a transaction that writes, ``"statement"`` before each statement, ``"commit"`` and ``"committed"`` around commits."""

    def begin(connection: Any) -> None:
        if connection.dialect.name != "sqlite" and connection.get_execution_options().get("writes"):
            reach("begin")  # PostgreSQL begins with the first statement; for SQLite it would be too late here

    def statement(_connection: Any, _cursor: Any, words: str, *_: Any) -> None:
        if words.startswith("BEGIN IMMEDIATE"):
            reach("begin")
        reach("statement")

    def commit(_connection: Any) -> None:
        reach("commit")

    def committed(_session: Any) -> None:
        reach("committed")

    hooks = [
        (engine, "begin", begin),
        (engine, "before_cursor_execute", statement),
        (engine, "commit", commit),
        (Session, "after_commit", committed),
    ]
    for target, name, hook in hooks:
        event.listen(target, name, hook)
    try:
        yield
    finally:
        for target, name, hook in hooks:
            event.remove(target, name, hook)


class WatchedBank:
    """A test bank, here or behind HTTP, before and after whose acts ``reach`` is told."""

    def __init__(self, bank: Any, reach: Reach) -> None:
        self.bank, self.reach = bank, reach

    def _around(self, act: Callable[[], Any]) -> Any:
        self.reach("call")
        answer = act()
        self.reach("called")
        return answer

    def open(self, asked: Asked, *, captures_at_once: bool = True, at: datetime) -> Charge:
        return self._around(lambda: self.bank.open(asked, captures_at_once=captures_at_once, at=at))

    def find(self, key: str, *, at: datetime | None = None) -> Charge | None:
        return self._around(lambda: self.bank.find(key, at=at))

    def capture(self, key: str, *, at: datetime) -> Charge | None:
        return self._around(lambda: self.bank.capture(key, at=at))

    def void(self, key: str, *, at: datetime) -> Charge | None:
        return self._around(lambda: self.bank.void(key, at=at))

    def refund(self, key: str, amount_minor: int, refund_key: str, *, at: datetime | None = None) -> PaidBack:
        return self._around(lambda: self.bank.refund(key, amount_minor, refund_key, at=at))
