"""The files of pictures, by their names below ``/media/``, for whoever moves all of them: backups. They never change once they are there."""

from __future__ import annotations

import io
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from shop.media.urls import FORMATS, file_of
from shop.storage import Missing, media_storage


def names_of(hash: str, widths: str) -> list[str]:  # noqa: A002
    """The names of all files of a picture, ascending."""
    return sorted(file_of(hash, int(width), kind) for width in widths.split() for kind in FORMATS)


def open_file(name: str) -> BinaryIO | None:
    """One file to be read, or None when it is not there."""
    try:
        return io.BytesIO(media_storage().get(name))
    except Missing:
        return None


def list_files() -> Iterator[str]:
    """The names of all files that are there."""
    return (kept.key for kept in media_storage().list())


def adopt_file(name: str, source: Path) -> None:
    """Move a file to where it belongs; one that is there already is replaced by it in one step."""
    media_storage().put(name, source)


def remove_file(name: str) -> None:
    media_storage().delete(name)
