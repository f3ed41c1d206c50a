"""A bounded memory of one process."""

from __future__ import annotations

from typing import Any


class Memory:
    """Remembers what was asked for lately: two generations, the older of which is dropped whole when the younger is full."""

    def __init__(self, most: int) -> None:
        self.most = most
        self.forget()

    def forget(self) -> None:
        self.young: dict[Any, Any] = {}
        self.old: dict[Any, Any] = {}

    def get(self, key: Any) -> Any:
        found = self.young.get(key)
        if found is None and (found := self.old.get(key)) is not None:
            self.put(key, found)
        return found

    def put(self, key: Any, value: Any) -> None:
        if key not in self.young and len(self.young) >= self.most:
            self.old, self.young = self.young, {}
        self.young[key] = value
