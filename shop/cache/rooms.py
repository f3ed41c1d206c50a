"""Rooms: one for each kind of thing that is kept. What is near lies in this process as it is; what is far lies on the shelf as sealed bytes."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from threading import Event, Lock
from typing import Any, Generic, NamedTuple, Protocol, TypeVar

from shop.cache.backend import Backend, Turn
from shop.cache.codecs import JSON
from shop.cache.memory import Memory
from shop.cache.seals import Label, Seals

T = TypeVar("T")
TTL_S = 3600.0
PATIENCE_S = 1.0  # so long is waited for somebody who makes the same thing; then one makes it oneself
LOOKS_EVERY_S = 0.01


class Codec(Protocol[T]):
    """How things of a room are written for other processes. Never by pickle: what is read must be able to be nothing but what it seems."""

    def dump(self, value: T) -> bytes: ...

    def load(self, content: bytes) -> T: ...


class Made(NamedTuple, Generic[T]):
    """Something new; ``size`` in bytes where its room is bounded by them. What is not for all is kept for nobody."""

    value: T
    size: int = 0
    is_for_all: bool = True


class Cache:
    """All that is kept of one shop. ``shelf`` is the Redis that its processes share, if there is one."""

    def __init__(self, seals: Seals, memory: Backend, shelf: Backend | None) -> None:
        self.seals, self.memory, self.shelf = seals, memory, shelf
        self.rooms: dict[str, Room[Any]] = {}

    @property
    def common(self) -> Backend | None:
        """What all processes share; None where there is no such thing, or it is away."""
        return self.shelf if self.shelf is not None and not self.shelf.is_away else None

    @property
    def backend(self) -> Backend:
        """Where to keep and count: shared if possible, else in this process."""
        return self.common or self.memory

    @property
    def condition(self) -> str:
        """For those who watch the shop: ``memory`` (no Redis is set), ``ok`` or ``away``."""
        return "memory" if self.shelf is None else "away" if self.shelf.is_away or self.shelf.get(["probe"]) is None else "ok"

    def room(self, name: str, most: int, bytes_most: int | None = None, *, codec: Codec[T] | None = None, ttl_s: float = TTL_S) -> Room[T]:
        """The room of this name, made when it is first asked for: at most ``most`` things or ``bytes_most`` bytes near, twice (see ``Memory``).

        With a ``codec`` its things lie on the shelf as well, each for ``ttl_s`` at most.
        """
        found = self.rooms.get(name)
        if found is None:
            found = self.rooms.setdefault(name, Room(self, name, Memory(most, bytes_most), codec, ttl_s))
        return found

    def count(self, room: str, key: Any, *, window_s: float) -> tuple[int, float]:
        """How often ``key`` was counted within its window, this time included, and in how many seconds the window ends; see ``Backend.count``."""
        name = self.seals.name(room, key)
        return self.backend.count(name, window_s=window_s) or self.memory.count(name, window_s=window_s) or (1, window_s)

    # What is of use only where all processes hear of it: without the shelf nothing is told

    def tell_all(self, room: str, told: Mapping[str, Any], *, ttl_s: float) -> None:
        """Tell the other processes ``{key: value}``; values are what JSON knows."""
        shelf = self.common
        if shelf is None:
            return
        for key, value in told.items():
            label = self.seals.label(room, key, None)
            shelf.put(label.name, self.seals.wrap(label, JSON.dump(value)), ttl_s=ttl_s)

    def told_by_all(self, room: str, keys: Sequence[str]) -> list[Any]:
        """What was told under these keys, None where nothing was."""
        shelf = self.common
        labels = [self.seals.label(room, key, None) for key in keys] if shelf else []
        values = shelf.get([label.name for label in labels]) if shelf else None
        found = [self.seals.unwrap(label, value) for label, value in zip(labels, values or (), strict=False)]
        return [None if content is None else JSON.load(content) for content in found]

    def take_from_all(self, room: str, keys: Sequence[str]) -> None:
        """It is true no longer."""
        shelf = self.common
        if shelf:
            shelf.drop([self.seals.name(room, key) for key in keys])

    def forget(self) -> None:
        """Forget everything that this process remembers."""
        self.memory.forget()
        for room in self.rooms.values():
            room.near.forget()


class Room(Generic[T]):
    """Things of one kind, each under a key and as of a state: what decides how it looks. In another state it is not found, and replaced."""

    def __init__(self, cache: Cache, name: str, near: Memory, codec: Codec[T] | None, ttl_s: float) -> None:
        self.cache, self.name, self.near, self.codec, self.ttl_s = cache, name, near, codec, ttl_s
        self.makers = Makers()

    def find(self, key: Any, state: Any) -> T | None:
        """What this process has."""
        known = self.near.get(key)
        return known[1] if known is not None and known[0] == state else None

    def keep(self, key: Any, state: Any, value: T, size: int = 0) -> None:
        """Keep it near."""
        self.near.put(key, (state, value), size)

    def fetch(self, key: Any, state: Any, make: Callable[[], Made[T]]) -> T:
        """What is kept, near or on the shelf, or what ``make`` gives. One caller makes it, over all processes; the others wait, at most a second."""
        found = self.find(key, state)
        if found is not None:
            return found
        maker = self.makers.begin(key)
        if maker is not None:
            maker.wait(PATIENCE_S)
            found = self.find(key, state)
            return make().value if found is None else found
        try:
            return self._fetch(key, state, make)
        finally:
            self.makers.end(key)

    def _fetch(self, key: Any, state: Any, make: Callable[[], Made[T]]) -> T:
        label = self._label(key, state)
        if label is None:
            return self._keep(key, state, make()).value
        turn, found = self._take(label)
        if found is not None:
            return self._keep(key, state, found).value
        made: Made[T] | None = None
        try:
            made = self._keep(key, state, make())
        finally:
            if turn is Turn.MINE:
                self._give(label, made)
        return made.value

    def _label(self, key: Any, state: Any) -> Label | None:
        """None: this stays near."""
        if self.codec is None or self.cache.common is None:
            return None
        try:
            return self.cache.seals.label(self.name, key, state)
        except TypeError:
            return None

    def _take(self, label: Label) -> tuple[Turn | None, Made[T] | None]:
        """What lies on the shelf, made by somebody before or just now; else whose turn it is."""
        until, shelf = time.monotonic() + PATIENCE_S, self.cache.common
        while shelf is not None:
            found = shelf.claim(label.name, label.head, for_s=PATIENCE_S)
            if not isinstance(found, Turn):
                return None, self._read(label, found)
            if found is Turn.MINE or time.monotonic() > until:
                return found, None
            time.sleep(LOOKS_EVERY_S)
            shelf = self.cache.common
        return None, None

    def _give(self, label: Label, made: Made[T] | None) -> None:
        """The turn is over, with what was made, or without."""
        shelf = self.cache.common
        if shelf is None:
            return
        if made is not None and made.is_for_all and self.codec is not None:
            shelf.put(label.name, self.cache.seals.wrap(label, self.codec.dump(made.value)), ttl_s=self.ttl_s)
        else:
            shelf.release(label.name)

    def _read(self, label: Label, value: bytes | None) -> Made[T] | None:
        content = self.cache.seals.unwrap(label, value)
        return None if content is None or self.codec is None else Made(self.codec.load(content), len(content))

    def _keep(self, key: Any, state: Any, made: Made[T]) -> Made[T]:
        if made.is_for_all:
            self.keep(key, state, made.value, made.size)
        return made


class Makers:
    """Who makes what in this process just now."""

    def __init__(self) -> None:
        self.lock = Lock()
        self.at_work: dict[Any, Event] = {}

    def begin(self, key: Any) -> Event | None:
        """None: the caller makes it. Else what to wait for."""
        with self.lock:
            other = self.at_work.get(key)
            if other is None:
                self.at_work[key] = Event()
            return other

    def end(self, key: Any) -> None:
        with self.lock:
            self.at_work.pop(key).set()
