"""The files of pictures, by their names below ``/media/``, for whoever moves all of them: backups. They never change once they are there."""

from __future__ import annotations

import contextlib
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from shop.media.services import media_folder
from shop.media.urls import FORMATS, file_of


def names_of(hash: str, widths: str) -> list[str]:  # noqa: A002
    """The names of all files of a picture, ascending."""
    return sorted(file_of(hash, int(width), kind) for width in widths.split() for kind in FORMATS)


def open_file(name: str) -> BinaryIO | None:
    """One file to be read, or None when it is not there."""
    try:
        return (media_folder() / name).open("rb")
    except FileNotFoundError:
        return None


def list_files() -> Iterator[str]:
    """The names of all files that are there."""
    folder = media_folder()
    for path in folder.glob("??/*-*.*"):
        if not path.name.startswith("."):
            yield path.relative_to(folder).as_posix()


def adopt_file(name: str, source: Path) -> None:
    """Move a file to where it belongs; one that is there already is replaced by it in one step."""
    target = media_folder() / name
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.move(source, target)


def remove_file(name: str) -> None:
    with contextlib.suppress(FileNotFoundError):
        (media_folder() / name).unlink()
