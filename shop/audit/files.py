"""Pictures: every row has its files, and every file a row."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

from sqlalchemy import select

from shop.audit.rules import MOST, Finding, by_python
from shop.db import connection
from shop.errors import N_
from shop.media.models import Image
from shop.media.urls import FORMATS, file_of
from shop.storage import media_storage

GRACE_S = 3600


@by_python("I20", N_("Each picture has all of its files, and they are not empty."))
def files_of_pictures(at: datetime) -> Iterator[Finding]:  # noqa: ARG001
    sizes, missing = {kept.key: kept.size for kept in media_storage().list()}, 0
    for image in connection().execute(select(Image.id, Image.hash, Image.widths)):
        wanted = (file_of(image.hash, int(width), kind) for width in image.widths.split() for kind in FORMATS)
        lost = [name for name in wanted if not sizes.get(name)]
        if lost:
            yield Finding(f"image {image.id}", {"missing": lost[0], "files": len(lost)})
            missing += 1
        if missing > MOST:
            return


@by_python("I20b", N_("Each file of a picture, an hour old, has its row."))
def pictures_of_files(at: datetime) -> Iterator[Finding]:
    known = set(connection().execute(select(Image.hash)).scalars())
    before = at - timedelta(seconds=GRACE_S)
    for kept in media_storage().list():
        name = kept.key.rpartition("/")[2]
        if name.split("-")[0] not in known and kept.changed_at < before:
            yield Finding(name)
