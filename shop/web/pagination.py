"""Pages of a list that never count and never skip: each names the row after which the next one begins."""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from shop.errors import Invalid

T = TypeVar("T")
CURSOR_MAX = 300
WRITER = json.JSONEncoder(separators=(",", ":"))


@dataclass(frozen=True, slots=True)
class Page(Generic[T]):
    """``items`` of this page; ``next_cursor`` opens the following one, ``previous_cursor`` the one before; None at the ends."""

    items: Sequence[T]
    next_cursor: str | None = None
    previous_cursor: str | None = None


def encode_cursor(*key: int | str) -> str:
    """An opaque name for a place in a list."""
    return base64.urlsafe_b64encode(WRITER.encode(key).encode()).decode().rstrip("=")


def decode_cursor(cursor: str, *kinds: type) -> tuple[Any, ...]:
    """The place again, each part checked to be of its kind.

    Raises:
        Invalid: the cursor is not one of ours.
    """
    try:
        if len(cursor) > CURSOR_MAX:
            raise ValueError
        key = json.loads(base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True))
        if (
            not isinstance(key, list)
            or len(key) != len(kinds)
            or any(type(part) is not kind for part, kind in zip(key, kinds, strict=True))
        ):
            raise ValueError
        if any(isinstance(part, int) and not -(2**63) <= part < 2**63 for part in key):
            raise ValueError
    except (ValueError, binascii.Error, RecursionError):
        raise Invalid({"cursor": ["This is not a place in the list. Start again without a cursor."]}) from None
    return tuple(key)
