"""One product as a page shows it: what stays is put together once per catalog version and remembered."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any, NamedTuple

from flask import current_app
from flask_babel import lazy_gettext as _l
from markupsafe import Markup

from shop.cache import this_cache
from shop.cache.rooms import Room
from shop.catalog.cards import product_url
from shop.catalog.queries import (
    BESIDE_IT,
    Beside,
    VariantRow,
    find_moved_product,
    find_product_row,
    list_live_parts,
    list_parts,
    read_live,
)
from shop.catalog.tree import Shelf, category_tree
from shop.db import as_moment
from shop.media.urls import ImageView, image_view
from shop.settings.queries import topic_version

DETAILS_MOST = 200
TRUTHS = {"true": _l("Yes"), "false": _l("No")}


class Moved(NamedTuple):
    """The product has another slug today."""

    slug: str


class Value(NamedTuple):
    """One value of an option; ``swatch`` is a color or ""."""

    id: int
    code: str
    name: str
    swatch: str


class Option(NamedTuple):
    """What can be chosen; ``code`` names it in URLs."""

    id: int
    code: str
    name: str
    values: list[Value]


class Opinion(NamedTuple):
    """A review as it is shown; ``locale`` is the language it is written in."""

    stars: int
    locale: str
    author: str
    text: str
    created_at: datetime


class Detail(NamedTuple):
    """A product in one language, without what moves by itself: prices and stock.

    ``pictures`` maps the ids of product images; ``choices`` maps variant → option → value; ``given`` maps stars to how often they were given.
    """

    id: int
    slug: str
    name: str
    subtitle: str
    brand: str
    published_at: datetime
    updated_at: datetime
    description: Markup
    seo_title: str
    seo_description: str
    slugs: dict[str, str]
    pictures: dict[int, ImageView]
    options: list[Option]
    choices: dict[int, dict[int, int]]
    facts: list[tuple[str, str]]
    shelves: list[int]
    given: dict[int, int]
    reviews: list[Opinion]
    beside_id: int

    @property
    def review_count(self) -> int:
        return sum(self.given.values())

    @property
    def rating(self) -> float:
        """The mean of all stars, one decimal; 0 without any."""
        return round(sum(stars * number for stars, number in self.given.items()) / self.review_count, 1) if self.given else 0.0

    def url(self, locale: str) -> str:
        return product_url(locale, self.slug)

    def shelf(self, locale: str) -> Shelf | None:
        """Its main shelf: the first it was put on that still stands."""
        tree = category_tree(locale)
        return next((tree.by_id[shelf] for shelf in self.shelves if shelf in tree.by_id), None)


class Shown(NamedTuple):
    """A product with what can be bought of it now, and the rows of what stands beside it."""

    detail: Detail
    variants: list[VariantRow]
    beside: list[Beside]


def find_shown(slug: str, locale: str, *, at: datetime) -> Shown | Moved | None:
    """The product with this slug; ``Moved`` when it has another one here today; None when the shop does not show such a thing."""
    room: Room[Detail] = this_cache().room("details", DETAILS_MOST)
    versions = (topic_version("catalog"), topic_version("reviews"))
    detail = room.find((locale, slug), versions)
    if detail is not None:
        return Shown(detail, *read_live(list_live_parts(detail.id, detail.beside_id, at=at)))
    found = find_product_row(slug, locale)
    if found is None:
        moved = find_moved_product(slug, locale)
        return Moved(moved) if moved and moved != slug else None
    if not found.is_listed:
        return None
    if found.slug != slug:
        return Moved(found.slug)
    beside_id = shelf_beside(found.shelf_id, locale)
    parts = list_parts(found.id, beside_id, locale, at=at)
    detail = _detail(found, parts, beside_id, locale)
    room.keep((locale, slug), versions, detail)
    return Shown(detail, *read_live(parts))


def shelf_beside(category_id: int | None, locale: str) -> int:
    """The shelf whose goods stand beside this one: its own, or one above where that is nearly empty; 0 for none."""
    shelf = category_tree(locale).by_id.get(category_id or 0)
    while shelf and shelf.parent and shelf.count <= BESIDE_IT:
        shelf = shelf.parent
    return shelf.id if shelf else 0


def _detail(found: Any, parts: Iterable[Any], beside_id: int, locale: str) -> Detail:
    of: dict[str, list[Any]] = {what: [] for what in ("text", "picture", "option", "value", "choice", "fact", "shelf", "given", "review")}
    for part in parts:
        if part.what in of:
            of[part.what].append(part)
    return Detail(
        found.id,
        found.slug,
        found.name,
        found.subtitle or "",
        found.brand,
        found.published_at,
        found.updated_at,
        Markup(found.description_html or ""),  # noqa: S704 - sanitized when it was written
        found.seo_title or "",
        found.seo_description or "",
        _slugs(of["text"], found.slug),
        _pictures(of["picture"], locale),
        _options(of["option"], of["value"], of["choice"]),
        _choices(of["choice"]),
        _facts(of["fact"], locale),
        [part.n0 for part in sorted(of["shelf"], key=lambda part: (part.n1, part.n0))],
        {part.n0: part.n1 for part in sorted(of["given"], key=lambda part: -part.n0)},
        [
            Opinion(part.n1, part.t0, part.t1, part.t2, as_moment(part.at))
            for part in sorted(of["review"], key=lambda part: part.at, reverse=True)
        ],
        beside_id,
    )


def _slugs(parts: list[Any], slug: str) -> dict[str, str]:
    """The slug in each language of the shop; one without a text of its own shows the page under the default language's slug."""
    own = {part.t0: part.t1 for part in parts}
    locales = current_app.extensions["config"].locales
    return {locale: own.get(locale) or own.get(locales[0]) or slug for locale in locales}


def _pictures(parts: list[Any], locale: str) -> dict[int, ImageView]:
    pictures: dict[int, ImageView] = {}
    for part in sorted(parts, key=lambda part: (part.n1, part.n0, part.t3 == locale)):
        picture = image_view(part.t0, part.n2, part.n3, part.t1, part.t2)
        if picture is not None:
            pictures[part.n0] = picture
    return pictures


def _options(options: list[Any], values: list[Any], choices: list[Any]) -> list[Option]:
    used = {choice.n2 for choice in choices}
    offered: dict[int, dict[int, Value]] = {}
    for part in sorted(values, key=lambda part: (part.n2, part.n0, part.n3)):
        if part.n0 in used:
            offered.setdefault(part.n1, {})[part.n0] = Value(part.n0, part.t0, part.t1 or part.t0, part.t2)
    named: dict[int, Option] = {}
    for part in sorted(options, key=lambda part: (part.n1, part.n0, part.n2)):
        if part.n0 in offered:
            named[part.n0] = Option(part.n0, part.t0, part.t1 or part.t0, list(offered[part.n0].values()))
    return list(named.values())


def _choices(parts: list[Any]) -> dict[int, dict[int, int]]:
    choices: dict[int, dict[int, int]] = {}
    for part in parts:
        choices.setdefault(part.n0, {})[part.n1] = part.n2
    return choices


def _facts(parts: list[Any], locale: str) -> list[tuple[str, str]]:
    """Name and text of each attribute, in the language of the page where there is one; the items of a list joined."""
    names: dict[int, str] = {}
    texts: dict[int, dict[str, dict[int, str]]] = {}
    for part in sorted(parts, key=lambda part: (part.n1, part.n0, part.n3)):
        names[part.n0] = part.t0
        text = f"{part.t1} {part.t2}" if part.t2 and not part.t1.endswith(part.t2) else TRUTHS.get(part.t1, part.t1)
        texts.setdefault(part.n0, {}).setdefault(part.t3, {})[part.n2] = text
    facts = []
    for attribute, spoken in texts.items():
        items = spoken.get(locale) or spoken.get("") or next(iter(spoken.values()))
        facts.append((_begun(names[attribute]), _begun(", ".join(str(text) for _item, text in sorted(items.items())))))
    return facts


def _begun(text: str) -> str:
    """With a large first letter."""
    return text[:1].upper() + text[1:]
