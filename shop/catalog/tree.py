"""The shelves of the shop as a tree, one per language, kept in memory until the catalog changes."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from urllib.parse import quote

from flask import current_app
from sqlalchemy import bindparam, select
from sqlalchemy.orm import aliased

from shop.catalog.models import Category, CategoryText
from shop.db import rows
from shop.media.models import Image
from shop.media.urls import ImageView, image_view
from shop.settings.queries import kept
from shop.web.locale import path_in

_own, _fallback, _any = aliased(CategoryText), aliased(CategoryText), aliased(CategoryText)
_best_locale = (
    select(_any.locale)
    .where(_any.category_id == Category.id)
    .order_by((_any.locale == bindparam("default")).desc(), _any.locale)
    .limit(1)
    .correlate(Category)
    .scalar_subquery()
)
CATEGORIES = (
    select(
        Category.id,
        Category.parent_id,
        Category.product_count,
        _own.name,
        _own.slug,
        _own.sentence,
        _fallback.name.label("other_name"),
        _fallback.slug.label("other_slug"),
        _fallback.sentence.label("other_sentence"),
        Image.hash,
        Image.width,
        Image.height,
        Image.widths,
    )
    .outerjoin(_own, (_own.category_id == Category.id) & (_own.locale == bindparam("locale")))
    .outerjoin(_fallback, (_fallback.category_id == Category.id) & (_fallback.locale == _best_locale))
    .outerjoin(Image, Image.id == Category.image_id)
    .where(Category.archived_at.is_(None))
    .order_by(Category.position, Category.id)
)


@dataclass(slots=True, eq=False)
class Shelf:
    """A category as one language shows it; ``count`` is how many goods stand on it and below."""

    id: int
    name: str
    slug: str
    url: str
    sentence: str
    count: int
    image: ImageView | None
    parent: Shelf | None = None
    children: list[Shelf] = field(default_factory=list)

    @property
    def trail(self) -> list[Shelf]:
        """From the top down to this shelf."""
        return [*(self.parent.trail if self.parent else ()), self]


@dataclass(frozen=True, slots=True)
class Tree:
    """All shelves: from the top, by id and by slug."""

    roots: list[Shelf]
    by_id: dict[int, Shelf]
    by_slug: dict[str, Shelf]

    def __iter__(self) -> Iterator[Shelf]:
        """Each shelf before those below it."""
        waiting = self.roots[::-1]
        while waiting:
            shelf = waiting.pop()
            yield shelf
            waiting += shelf.children[::-1]


def category_path(slug: str) -> str:
    """Where a shelf stands, without the prefix of a language."""
    return f"/c/{quote(slug)}"


def category_url(locale: str, slug: str) -> str:
    return path_in(locale, category_path(slug))


def category_tree(locale: str) -> Tree:
    """The shelves in ``locale``; a name that is missing there comes from the default language."""
    return kept("catalog", ("tree", locale), lambda: _read_tree(locale))


def _read_tree(locale: str) -> Tree:
    found = rows(CATEGORIES, locale=locale, default=current_app.extensions["config"].locales[0])
    shelves: dict[int, Shelf] = {}
    for row in found:
        name, slug = row.name or row.other_name, row.slug or row.other_slug
        if name and slug:
            sentence = row.sentence if row.name else row.other_sentence
            picture = image_view(row.hash, row.width, row.height, row.widths)
            shelves[row.id] = Shelf(row.id, name, slug, category_url(locale, slug), sentence, row.product_count, picture)
    roots = []
    for row in found:
        shelf = shelves.get(row.id)
        if shelf is None:
            continue
        if row.parent_id is None:
            roots.append(shelf)
        elif row.parent_id in shelves:
            shelf.parent = shelves[row.parent_id]
            shelf.parent.children.append(shelf)
    tree = Tree(roots, shelves, {})
    reachable = {shelf.id: shelf for shelf in tree}
    return Tree(roots, reachable, {shelf.slug: shelf for shelf in reversed(list(reachable.values()))})
