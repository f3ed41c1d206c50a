"""Does a category of the file differ from the shop's?"""

from __future__ import annotations

from datetime import UTC, datetime

from sqlalchemy import bindparam, select

from shop.catalog.models import Category, CategoryText
from shop.catalog.slugs import slugify
from shop.catalog.transfer.product import CategoryRecord
from shop.db import row, rows

CATEGORY = select(Category.parent_id, Category.position, Category.image_id, Category.archived_at).where(Category.id == bindparam("key"))
TEXTS = select(CategoryText.locale, CategoryText.name, CategoryText.slug, CategoryText.sentence).where(
    CategoryText.category_id == bindparam("key")
)


def category_differs(key: int, record: CategoryRecord, parent: int | None, image_id: int | None) -> bool:
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


def is_archived(key: int) -> datetime | None:
    now = row(CATEGORY, key=key)
    return now.archived_at.astimezone(UTC) if now is not None and now.archived_at else None
