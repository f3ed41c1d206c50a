"""Where the shop's files lie: in folders of its own, or in a bucket of S3 or of what speaks like it. ``SHOP_STORAGE_URL`` says which.

There are two shelves: ``media`` for pictures, which are everybody's and never change under their name, and ``private`` for papers and exports, which
leave by links that end. A file is named by a key such as ``papers/5f0c.pdf``; its end says its type.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Protocol

from flask import Blueprint, Flask, Response, current_app

from shop.storage.keys import check_key, type_of

__all__ = ["Kept", "Missing", "Storage", "check_key", "media_storage", "private_storage", "type_of"]

bp = Blueprint("storage", __name__)
FOR_EVER = "public, max-age=31536000, immutable"
NEVER_KEPT = "private, no-store"


class Missing(Exception):
    """There is no file of that key."""


@dataclass(frozen=True, slots=True)
class Kept:
    """A file in a listing: its size in bytes, and when it was last written."""

    key: str
    size: int
    changed_at: datetime


class Storage(Protocol):
    """One shelf. Every method raises ``ValueError`` for what is no key, and ``FilesAway`` when the storage does not answer."""

    def put(self, key: str, content: bytes | Path) -> None:
        """Keep a file, whole or not at all; a second one of the same key takes its place. A file on the disk may be moved away."""

    def get(self, key: str) -> bytes:
        """Its bytes, or ``Missing``."""

    def exists(self, key: str) -> bool: ...

    def delete(self, key: str) -> None:
        """Gone afterwards; also when it was not there."""

    def list(self, prefix: str = "") -> Iterator[Kept]:
        """The files whose keys begin so, by key."""

    def url(self, key: str) -> str:
        """Where everybody finds it: a path of the shop or an address elsewhere. Of the shelf ``media`` only."""

    def signed_url(self, key: str, *, name: str, lasts_s: int, at: datetime) -> str:
        """A link that opens the file as ``name`` for so many seconds, for whoever has it: a path of the shop or an address elsewhere."""

    def send(self, key: str) -> Response:
        """The file as this process answers with it, or ``Missing``."""

    def workbench(self) -> AbstractContextManager[Path]:
        """A folder to make files in that are put then; it goes away with what is left in it."""


@dataclass(frozen=True, slots=True)
class Shelves:
    """The two of one shop."""

    media: Storage
    private: Storage


def init_app(app: Flask) -> None:
    """Make both shelves as the settings say; nothing is asked or loaded yet."""
    app.extensions["storage"] = make_shelves(app)
    app.register_blueprint(bp)


def make_shelves(app: Flask) -> Shelves:
    config = app.extensions["config"]
    settings, folder = config.storage, config.storage.folder or config.instance
    public_url = settings.public_url or "/media"
    if settings.bucket:
        from shop.storage.bucket import BucketStorage

        return Shelves(
            BucketStorage(settings, config.amazon, settings.bucket, "media", public_url=public_url, cache_control=FOR_EVER),
            BucketStorage(settings, config.amazon, settings.private_bucket, "private", public_url="", cache_control=NEVER_KEPT),
        )
    from shop.storage.folder import FolderStorage

    return Shelves(
        FolderStorage(folder / "media", public_url=public_url, secret=""),
        FolderStorage(folder / "private", public_url="", secret=str(app.config["SECRET_KEY"])),
    )


def media_storage() -> Storage:
    """Pictures: everybody's, and never another one under the same key."""
    shelves: Shelves = current_app.extensions["storage"]
    return shelves.media


def private_storage() -> Storage:
    """Papers and exports: for whoever has a link that still lasts."""
    shelves: Shelves = current_app.extensions["storage"]
    return shelves.private


from shop.storage import views  # noqa: F401
