"""What a backend of the cache can do. There are two: the memory of this process, and a Redis that processes and machines share."""

from __future__ import annotations

from collections.abc import Sequence
from enum import Enum
from typing import NamedTuple, Protocol

LONGEST_VALUE = 512 * 1024
HEAD = 16  # bytes at the beginning of a value that say in which state it was made


class Turn(Enum):
    """Who makes what is not there: the caller, or somebody who has begun already."""

    MINE = "mine"
    THEIRS = "theirs"


class Counted(NamedTuple):
    """How often something happened within its window, this time included, and in how many seconds the window ends."""

    number: int
    ends_in_s: float


class Backend(Protocol):
    """Keeps bytes under names for a while. Everything may be forgotten at any time; None is the answer of a backend that is away."""

    is_away: bool

    def get(self, names: Sequence[str]) -> list[bytes | None] | None:
        """What stands under these names, in their order."""
        ...

    def put(self, name: str, value: bytes, *, ttl_s: float) -> None:
        """Keep a value, at most ``ttl_s``; one that is longer than ``LONGEST_VALUE`` is not taken. The turn that ``claim`` gave is over."""
        ...

    def drop(self, names: Sequence[str]) -> None:
        """Forget these names."""
        ...

    def claim(self, name: str, head: bytes, *, for_s: float) -> bytes | Turn | None:
        """What stands under ``name`` if it begins with ``head``; else whose turn it is to make it. A turn ends by ``release`` or after ``for_s``."""
        ...

    def release(self, name: str) -> None:
        """The turn that ``claim`` gave is over, without a value."""
        ...

    def count(self, name: str, *, window_s: float) -> Counted | None:
        """Count once more under ``name``; the window begins with the first time."""
        ...

    def forget(self) -> None:
        """Start afresh, as far as this process remembers anything."""
        ...
