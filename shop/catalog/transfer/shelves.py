"""Categories that a file lists by themselves: made, or changed where they differ."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from sqlalchemy import bindparam, select

from shop.catalog.models import Category, CategoryText, OldSlug, SlugKind
from shop.catalog.services import archive_category, change_category, create_category
from shop.catalog.slugs import slugify
from shop.catalog.transfer.planning import Surroundings
from shop.catalog.transfer.product import CategoryRecord, ImportedImage
from shop.catalog.transfer.report import WARNING, Problem, Report
from shop.db import insert_missing, row, rows, transaction

CATEGORY = select(Category.parent_id, Category.position, Category.image_id, Category.archived_at).where(Category.id == bindparam("key"))
TEXTS = select(CategoryText.locale, CategoryText.name, CategoryText.slug, CategoryText.sentence).where(
    CategoryText.category_id == bindparam("key")
)


def import_category(record: CategoryRecord, around: Surroundings, report: Report, *, say: Callable[[str], object]) -> None:
    """Find it by its slug or by the names on the way to it. An import that brings nothing new changes nothing."""
    shelves, at = around.shelves, around.at
    name = record.texts.get(around.default, {}).get("name", "")
    above = [part.strip() for part in record.parent.split(" > ") if part.strip()]
    parent = shelves.by_slug(record.parent) or shelves.by_path(above)
    if not name or (record.parent and parent is None):
        reason = f"the parent {record.parent!r} is not known" if name else "the category has no name"
        report.add(Problem(record.line, "path", reason, "Name it, and put its parent above it in the file."))
        return
    known = shelves.by_slug(record.slug) or shelves.by_path([*above, name])
    if around.is_dry:
        if known is None:
            say(f"create category {record.slug or name}")
            shelves.remember(-record.line, parent, name, record.slug)
        return
    image_id = _image(record, around, report)
    if known is None:
        known = create_category(record.texts, parent_id=parent, position=record.position, image_id=image_id, at=at)
        if record.archived_at:
            archive_category(known, at=datetime.fromisoformat(record.archived_at))
    elif _differs(known, record, parent, image_id):
        change_category(known, texts=record.texts, parent_id=parent, position=record.position, at=at)
        if image_id is not None:
            change_category(known, image_id=image_id, at=at)
    _write_old_slugs(known, record, at)
    shelves.forget()


def _write_old_slugs(known: int, record: CategoryRecord, at: datetime) -> None:
    old = [
        {"kind": SlugKind.CATEGORY, "locale": locale, "slug": slug, "target_id": known, "at": at}
        for locale, slugs in record.old_slugs.items()
        for slug in slugs
    ]
    if old:
        with transaction():
            insert_missing(OldSlug, *old)


def _differs(key: int, record: CategoryRecord, parent: int | None, image_id: int | None) -> bool:
    """True when changing it would write something."""
    now = row(CATEGORY, key=key)
    if now is None or (now.parent_id, now.position) != (parent, record.position) or (image_id and now.image_id != image_id):
        return True
    texts = {found.locale: found for found in rows(TEXTS, key=key)}
    for locale, words in record.texts.items():
        found = texts.get(locale)
        if found is None and words.get("name"):
            return True
        if found is not None and any(
            getattr(found, field) != (slugify(text) if field == "slug" else text) for field, text in words.items()
        ):
            return True
    return False


def _image(record: CategoryRecord, around: Surroundings, report: Report) -> int | None:
    if record.image is None:
        return None
    around.pictures.prepare([record.image])
    found, _ = around.pictures.id_of(record.image)
    if found is None:
        report.add(no_picture(record.image))
    return found


def no_picture(image: ImportedImage) -> Problem:
    remedy = "Put the file into the folder named with --images and import again."
    return Problem(image.line, "image", f"the picture is not there: {image.source}", remedy, WARNING)
