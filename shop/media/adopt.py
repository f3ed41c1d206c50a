"""Taking over pictures that another Bodega has already checked and resized, by their files. They are looked at again before they are trusted."""

from __future__ import annotations

import io
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

from sqlalchemy import select

from shop.db import insert_missing, scalar, transaction
from shop.media.models import Image
from shop.media.renditions import Unusable, refuse_foreign
from shop.media.urls import FORMATS, file_of
from shop.storage import media_storage


def adopt_image(facts: Mapping[str, Any], folder: Path | None, *, at: datetime) -> int | None:
    """The id of the picture with these facts (hash, width, height, widths, bytes, name), or None where its files are neither in ``folder`` nor here."""
    known = scalar(select(Image.id).where(Image.hash == str(facts["hash"])))
    if known is not None:
        return int(known)
    widths = [int(width) for width in str(facts["widths"]).split()]
    files = [(file_of(str(facts["hash"]), width, kind), width, kind) for width in widths for kind in FORMATS]
    for name, width, kind in files:
        if not media_storage().exists(name) and not _take(folder, name, width, kind):
            return None
    with transaction() as session:
        insert_missing(
            Image,
            {
                "hash": str(facts["hash"]),
                "width": int(facts["width"]),
                "height": int(facts["height"]),
                "widths": " ".join(map(str, widths)),
                "original_name": str(facts["name"])[:200],
                "bytes": int(facts["bytes"]),
                "created_at": at,
            },
        )
        return session.scalars(select(Image.id).where(Image.hash == str(facts["hash"]))).one()


def _take(folder: Path | None, name: str, width: int, kind: str) -> bool:
    """Copy one rendition, if it is there and is what its name says."""
    source = folder / name if folder else None
    if source is None or not source.is_file() or not is_rendition(source.read_bytes(), width, kind):
        return False
    media_storage().put(name, source.read_bytes())
    return True


def is_rendition(content: bytes, width: int, kind: str) -> bool:
    """Is this a picture and nothing else, of that kind and so wide?"""
    import PIL.Image

    try:
        refuse_foreign(content)
        with PIL.Image.open(io.BytesIO(content), formats=[kind.upper()]) as picture:
            picture.load()
            return picture.width == width
    except (OSError, Unusable, SyntaxError, ValueError):
        return False
