"""What may name a file. A key is a path without tricks: no ``..``, nothing hidden, no letter that a disk, a bucket or an address would read otherwise."""

from __future__ import annotations

import re

KEY = re.compile(r"(?=.{1,200}\Z)[a-z0-9][A-Za-z0-9_-]*(?:/[A-Za-z0-9][A-Za-z0-9_-]*)*(?:\.[a-z0-9]{1,8}){0,2}")
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9 ._-]{0,99}")
TYPES = {
    "avif": "image/avif",
    "webp": "image/webp",
    "jpeg": "image/jpeg",
    "pdf": "application/pdf",
    "csv": "text/csv; charset=utf-8",
    "json": "application/json",
    "jsonl": "application/jsonl",
    "zip": "application/zip",
}
SHOWN = ("image/", "application/pdf")


def check_key(key: str) -> str:
    """The key, if it is one.

    Raises:
        ValueError: it is not.
    """
    if not KEY.fullmatch(key):
        raise ValueError(f"{key[:100]!r} names no file")
    return key


def type_of(key: str) -> str:
    """The type of a file, by the end of its key."""
    return TYPES.get(key.rpartition(".")[2], "application/octet-stream")


def disposition(key: str, name: str) -> str:
    """The header ``Content-Disposition``: browsers show pictures and papers, and keep all else as ``name``.

    Raises:
        ValueError: a name that could say something else in a header.
    """
    if not NAME.fullmatch(name):
        raise ValueError(f"{name[:100]!r} is no name for a file")
    return f'{"inline" if type_of(key).startswith(SHOWN) else "attachment"}; filename="{name}"'
