"""Slugs: what names a product or category in a URL. Unique per locale; an old one leads for ever to where its object is now, never in a circle."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Collection, Sequence
from datetime import datetime

from sqlalchemy import delete, insert, select

from shop.catalog.models import CategoryText, OldSlug, ProductText, SlugKind
from shop.db import transaction

LONGEST = 100
LETTERS = str.maketrans(
    {"ß": "ss", "æ": "ae", "œ": "oe", "ø": "o", "ł": "l", "đ": "d", "ð": "d", "þ": "th", "ı": "i", "’": "", "'": "", "½": "-1-2"}
)
APART = re.compile(r"[^a-z0-9]+")
MARKS = re.compile(r"[\u0300-\u036f]")


def slugify(text: str, fallback: str = "item") -> str:
    """``"Café crème ½"`` → ``cafe-creme-1-2``; ASCII, at most 100 long; ``fallback`` where nothing is left (such as Japanese)."""
    text = text.lower()
    if not text.isascii():
        text = MARKS.sub("", unicodedata.normalize("NFKD", text.translate(LETTERS)))
    slug = APART.sub("-", text.replace("'", "")).strip("-")
    if len(slug) > LONGEST:
        slug = slug[: LONGEST + 1].rpartition("-")[0][:LONGEST] or slug[:LONGEST]
    return slug or fallback


def numbered(wanted: str, taken_of: Callable[[Sequence[str]], Collection[str]], *, first: int = 2) -> str:
    """The first of ``wanted-2``, ``wanted-3`` … that is not taken. Asks for a few at a time, by equality: ranges of text differ by collation."""
    many = 16
    while True:
        candidates = [f"{wanted}-{number}" for number in range(first, first + many)]
        taken = set(taken_of(candidates))
        free = next((candidate for candidate in candidates if candidate not in taken), None)
        if free is not None:
            return free
        first, many = first + many, many * 4


def free_slug(kind: SlugKind, locale: str, wanted: str, *, own_id: int | None = None) -> str:
    """``wanted``, with a number when another object has it now or had it once (its old links must not lead astray)."""
    table = ProductText if kind is SlugKind.PRODUCT else CategoryText
    owner = ProductText.product_id if kind is SlugKind.PRODUCT else CategoryText.category_id

    def taken_of(slugs: Sequence[str]) -> set[str]:
        with transaction() as session:
            now = select(table.slug).where(table.locale == locale, table.slug.in_(slugs), owner != (own_id or 0))
            once = select(OldSlug.slug).where(
                OldSlug.kind == kind, OldSlug.locale == locale, OldSlug.slug.in_(slugs), OldSlug.target_id != (own_id or 0)
            )
            return {*session.scalars(now), *session.scalars(once)}

    return numbered(wanted, taken_of) if taken_of([wanted]) else wanted


def remember_slug(kind: SlugKind, locale: str, target_id: int, *, old: str, new: str, at: datetime) -> None:
    """``old`` redirects from now on; ``new``, should it have been an old one, no longer does."""
    if old == new:
        return
    with transaction() as session:
        key = (OldSlug.kind == kind, OldSlug.locale == locale)
        session.execute(delete(OldSlug).where(*key, OldSlug.slug.in_([old, new])))
        session.execute(insert(OldSlug).values(kind=kind, locale=locale, slug=old, target_id=target_id, at=at))
