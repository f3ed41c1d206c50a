"""A bounded memory of one process."""

from __future__ import annotations

from typing import Any

Kept = dict[Any, tuple[Any, int]]


class Memory:
    """Remembers what was asked for lately: two generations, the older of which is dropped whole when the younger is full.

    A generation is full with ``most`` things, or, where ``put`` is told their sizes, with ``bytes_most``.
    """

    def __init__(self, most: int, bytes_most: int | None = None) -> None:
        self.most, self.bytes_most = most, bytes_most
        self.forget()

    def forget(self) -> None:
        self.young: Kept = {}
        self.old: Kept = {}
        self.bytes = 0

    def get(self, key: Any) -> Any:
        found = self.young.get(key)
        if found is None:
            found = self.old.get(key)
            if found is None:
                return None
            self.put(key, *found)
        return found[0]

    def put(self, key: Any, value: Any, size: int = 0) -> None:
        self.bytes -= self.young.pop(key, (None, 0))[1]
        if len(self.young) >= self.most or (self.bytes_most is not None and self.bytes + size > self.bytes_most):
            self.old, self.young, self.bytes = self.young, {}, 0
        self.young[key] = value, size
        self.bytes += size

    def drop(self, key: Any) -> None:
        self.bytes -= self.young.pop(key, (None, 0))[1]
        self.old.pop(key, None)
