"""What products share and an import may have to make first: shelves, attributes, free slugs. Looked up once, kept while the import runs."""

from __future__ import annotations

from collections import Counter, OrderedDict
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import bindparam, select

from shop.catalog.models import Attribute, AttributeKind, AttributeText, Category, CategoryText, OldSlug, ProductText, SlugKind
from shop.catalog.services import create_category
from shop.catalog.slugs import numbered
from shop.catalog.transfer.cleaning import clean_line
from shop.catalog.transfer.product import ImportedAttribute, ImportedCategory
from shop.catalog.transfer.rows import Rows
from shop.db import rows

COUNTERS_KEPT = 10_000
ASKED_AT_ONCE = 500
SPARE = 4

CATEGORIES = (
    select(Category.id, Category.parent_id, CategoryText.locale, CategoryText.name, CategoryText.slug)
    .join(CategoryText, CategoryText.category_id == Category.id)
    .order_by(Category.id)
)
ATTRIBUTES = select(Attribute.id, Attribute.code, Attribute.kind, Attribute.unit)
SLUGS = select(ProductText.slug).where(ProductText.locale == bindparam("locale"), ProductText.slug.in_(bindparam("slugs", expanding=True)))
OLD = select(OldSlug.slug).where(
    OldSlug.kind == SlugKind.PRODUCT, OldSlug.locale == bindparam("locale"), OldSlug.slug.in_(bindparam("slugs", expanding=True))
)
ANY_OLD = select(OldSlug.slug).where(OldSlug.kind == SlugKind.PRODUCT).limit(1)


class Shelves:
    """Categories by the names on the way to them, or by slug, in the first language."""

    def __init__(self, locales: tuple[str, ...], *, is_dry: bool) -> None:
        self.default = locales[0]
        self.is_dry = is_dry
        self.forget()

    def forget(self) -> None:
        self._by_name: dict[tuple[int | None, str], int] = {}
        self._by_slug: dict[str, int] = {}
        self._names: dict[int, str] = {}
        for found in rows(CATEGORIES):
            self._by_name.setdefault((found.parent_id, found.name.casefold()), found.id)
            if found.locale == self.default:
                self._by_slug[found.slug] = found.id
                self._names[found.id] = found.name

    def name_of(self, category_id: int) -> str:
        return self._names.get(category_id, str(category_id))

    def by_slug(self, slug: str) -> int | None:
        return self._by_slug.get(slug)

    def by_path(self, path: Iterable[str]) -> int | None:
        """The shelf at the end of these names, if there is one."""
        found: int | None = None
        for name in path:
            found = self._by_name.get((found, name.casefold()))
            if found is None:
                return None
        return found

    def remember(self, category_id: int, parent_id: int | None, name: str, slug: str) -> None:
        self._by_name[parent_id, name.casefold()] = category_id
        self._names[category_id] = name
        if slug:
            self._by_slug[slug] = category_id

    def find_or_make(self, shelf: ImportedCategory, at: datetime) -> int | None:
        """The shelf's id; those missing on the way are made. None for a slug that nobody has."""
        if shelf.slug:
            return self._by_slug.get(shelf.slug)
        parent: int | None = None
        for name in shelf.path:
            key = (parent, name.casefold())
            if key not in self._by_name:
                made = -len(self._names) - 1 if self.is_dry else create_category({self.default: {"name": name}}, parent_id=parent, at=at)
                self.remember(made, parent, name, "")
            parent = self._by_name[key]
        return parent


class KnownAttribute(NamedTuple):
    id: int
    kind: AttributeKind
    unit: str


class Attributes:
    """Attributes by code. One whose values turn out to be of several kinds becomes a text."""

    def __init__(self, default: str) -> None:
        self.default = default
        self.forget()

    def forget(self) -> None:
        self._known = {found.code: KnownAttribute(found.id, found.kind, found.unit) for found in rows(ATTRIBUTES)}

    def find(self, code: str) -> KnownAttribute | None:
        return self._known.get(code)

    def find_or_make(self, wanted: ImportedAttribute, batch: Rows) -> KnownAttribute:
        kind = AttributeKind(wanted.kind or "text")
        known = self._known.get(wanted.code)
        if known is None:
            known = KnownAttribute(batch.new_id(Attribute), kind, wanted.unit)
            batch.add(Attribute, id=known.id, code=wanted.code, kind=kind, unit=wanted.unit)
            names = {self.default: wanted.code.replace("_", " ").capitalize()}
            names |= {locale or self.default: clean_line(name[:200], 200) for locale, name in wanted.names.items() if name}
            for locale, name in names.items():
                batch.add(AttributeText, attribute_id=known.id, locale=locale, name=name)
            self._known[wanted.code] = known
        elif wanted.kind and known.kind is not AttributeKind.TEXT and known.kind is not kind:
            known = self._known[wanted.code] = known._replace(kind=AttributeKind.TEXT)
            batch.change(Attribute, {"id": known.id}, {"kind": AttributeKind.TEXT})
        return known


class Slugs:
    """Free slugs for many new products: a few statements a batch. How far the numbers of a popular name have come is remembered."""

    def __init__(self) -> None:
        self._taken: set[tuple[str, str]] = set()
        self._asked: set[tuple[str, str]] = set()
        self._last: OrderedDict[tuple[str, str], int] = OrderedDict()
        self._tables = (SLUGS, OLD) if rows(ANY_OLD) else (SLUGS,)

    def look_up(self, wanted: Mapping[str, Counter[str]]) -> None:
        """Before a batch: which of these slugs, and of the numbers behind those that collide, are taken; ``wanted`` counts them by locale."""
        self._taken, self._asked = set(), set()
        for locale, slugs in wanted.items():
            taken = self._stored(locale, slugs)
            more = [
                f"{slug}-{number}"
                for slug, many in slugs.items()
                if (many > 1 or slug in taken)
                for first in [self._last.get((locale, slug), 1) + 1]
                for number in range(first, first + many + SPARE)
            ]
            self._taken |= {(locale, slug) for slug in taken | self._stored(locale, more)}
            self._asked |= {(locale, slug) for slug in more}

    def take(self, locale: str, wanted: str) -> str:
        """``wanted`` or the next number behind it; nobody else gets it."""
        slug = wanted
        if (locale, slug) in self._taken:
            key = (locale, wanted)
            slug = numbered(wanted, lambda slugs: self._taken_of(locale, slugs), first=self._last.pop(key, 1) + 1)
            self._last[key] = int(slug.rpartition("-")[2])
            if len(self._last) > COUNTERS_KEPT:
                self._last.popitem(last=False)
        self._taken.add((locale, slug))
        return slug

    def _taken_of(self, locale: str, slugs: Sequence[str]) -> set[str]:
        """Answered from memory as far as it reaches: the first free one of those that were looked up is free."""
        taken = {slug for slug in slugs if (locale, slug) in self._taken}
        free = next((slug for slug in slugs if slug not in taken), None)
        if free is not None and (locale, free) in self._asked:
            return taken
        return taken | self._stored(locale, slugs)

    def _stored(self, locale: str, slugs: Iterable[str]) -> set[str]:
        ordered = sorted(slugs)
        found: set[str] = set()
        for start in range(0, len(ordered), ASKED_AT_ONCE):
            for statement in self._tables:
                found |= {row.slug for row in rows(statement, locale=locale, slugs=ordered[start : start + ASKED_AT_ONCE])}
        return found
