"""The backend of a shop that runs no Redis: the memory of this process, bounded by bytes and entries."""

from __future__ import annotations

import time
from collections.abc import Sequence
from threading import Lock

from shop.cache.backend import LONGEST_VALUE, Counted, Turn
from shop.cache.memory import Memory

VALUES_MOST, BYTES_MOST = 4_000, 4_000_000  # twice: see Memory
COUNTS_MOST = 20_000


class MemoryBackend:
    """See ``Backend``."""

    is_away = False

    def __init__(self) -> None:
        self.lock = Lock()
        self.forget()

    def forget(self) -> None:
        self.values = Memory(VALUES_MOST, BYTES_MOST)  # (value, until)
        self.counts = Memory(COUNTS_MOST)  # (number, until)
        self.turns: dict[str, float] = {}

    def get(self, names: Sequence[str]) -> list[bytes | None]:
        with self.lock:
            return [self._get(name) for name in names]

    def put(self, name: str, value: bytes, *, ttl_s: float) -> None:
        with self.lock:
            self.turns.pop(name, None)
            if len(value) <= LONGEST_VALUE:
                self.values.put(name, (value, time.monotonic() + ttl_s), len(value))

    def drop(self, names: Sequence[str]) -> None:
        with self.lock:
            for name in names:
                self.values.drop(name)

    def claim(self, name: str, head: bytes, *, for_s: float) -> bytes | Turn:
        with self.lock:
            value = self._get(name)
            if value is not None and value.startswith(head):
                return value
            at = time.monotonic()
            if self.turns.get(name, at) > at:
                return Turn.THEIRS
            self.turns[name] = at + for_s
            return Turn.MINE

    def release(self, name: str) -> None:
        with self.lock:
            self.turns.pop(name, None)

    def count(self, name: str, *, window_s: float) -> Counted:
        at = time.monotonic()
        with self.lock:
            number, until = self.counts.get(name) or (0, at + window_s)
            if until <= at:
                number, until = 0, at + window_s
            self.counts.put(name, (number + 1, until))
        return Counted(number + 1, until - at)

    def _get(self, name: str) -> bytes | None:
        value: bytes
        value, until = self.values.get(name) or (b"", 0.0)
        return value if until > time.monotonic() else None
