"""Lists of goods: one flat read at any depth, forwards and backwards, by statements that are built once per shape.

A list reads ``category_products`` (on a shelf) or ``products`` (everything), never counts and never skips: each page continues after a
key of its index. What a row does not hold (names, pictures) is added by ``shop.catalog.cards``.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from functools import lru_cache
from typing import Any, NamedTuple

from sqlalchemy import Select, bindparam, func, select, true, tuple_

from shop.catalog.cards import FACTS_OF
from shop.catalog.models import CategoryProduct, Product
from shop.db import in_words, rows, scalar
from shop.errors import Invalid
from shop.settings.queries import kept
from shop.web.pagination import Page, decode_cursor, encode_cursor

COUNTED_MOST = 1000
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MICROSECOND = timedelta(microseconds=1)


class Sort(StrEnum):
    """The orders in which goods can be listed."""

    FEATURED = "featured"
    NEWEST = "new"
    CHEAPEST = "price_asc"
    DEAREST = "price_desc"
    BESTSELLING = "bestselling"


FALLING = {Sort.NEWEST, Sort.DEAREST, Sort.BESTSELLING}
KEYS = {
    Sort.FEATURED: "position",
    Sort.NEWEST: "published_at",
    Sort.CHEAPEST: "price_from_minor",
    Sort.DEAREST: "price_from_minor",
    Sort.BESTSELLING: "sold_count",
}


@dataclass(frozen=True, slots=True)
class Filters:
    """What a list is narrowed to; prices in minor units, both ends included."""

    category_id: int | None = None
    low: int | None = None
    high: int | None = None
    in_stock: bool = False

    @property
    def is_narrowed(self) -> bool:
        return self.low is not None or self.high is not None or self.in_stock

    @property
    def params(self) -> dict[str, int]:
        """The values for a statement of this shape."""
        given = {"category_id": self.category_id, "low": self.low, "high": self.high}
        return {name: value for name, value in given.items() if value is not None}


class Shape(NamedTuple):
    """What decides how a statement reads; its values are bound."""

    in_category: bool
    has_low: bool
    has_high: bool
    in_stock: bool
    words: int = 0

    @classmethod
    def of(cls, filters: Filters, words: int = 0) -> Shape:
        return cls(filters.category_id is not None, filters.low is not None, filters.high is not None, filters.in_stock, words)


class Count(NamedTuple):
    """How many goods there are; ``is_more``: at least so many, nobody counted on."""

    number: int
    is_more: bool = False


def narrowed(statement: Select[Any], shape: Shape) -> Select[Any]:
    """``statement`` with the conditions of ``shape``; it reads ``CategoryProduct`` when in a category, else ``Product``."""
    source = CategoryProduct if shape.in_category else Product
    whole = CategoryProduct.category_id == bindparam("category_id") if shape.in_category else Product.is_listed == true()
    statement = statement.where(whole)
    if shape.has_low:
        statement = statement.where(source.price_from_minor >= bindparam("low"))
    if shape.has_high:
        statement = statement.where(source.price_from_minor <= bindparam("high"))
    if shape.in_stock:
        statement = statement.where(source.available == true())
    return statement


def ordered(statement: Select[Any], shape: Shape, sort: Sort, *, backwards: bool, goes_on: bool) -> Select[Any]:
    """``statement`` in the order of ``sort``, after the row of a cursor when it ``goes_on``."""
    source = CategoryProduct if shape.in_category else Product
    key = getattr(source, KEYS[sort])
    place = CategoryProduct.product_id if shape.in_category else Product.id
    falls = (sort in FALLING) is not backwards
    if goes_on:
        last = tuple_(bindparam("last_key", type_=key.type), bindparam("last_id"))
        here = tuple_(key, place)
        statement = statement.where(here < last if falls else here > last)
    return statement.order_by(key.desc() if falls else key, place.desc() if falls else place)


@lru_cache(maxsize=256)
def list_statement(shape: Shape, sort: Sort, limit: int, *, backwards: bool, goes_on: bool) -> Select[Any]:
    """One page of goods: the key of the order, the id, and the facts that move without the catalog's version.

    Its length is part of the statement, so that PostgreSQL keeps one plan; but how many goods a price leaves differs from price to price.
    """
    key = getattr(CategoryProduct if shape.in_category else Product, KEYS[sort])
    statement = select(Product.id, key.label("key"), *FACTS_OF)
    if shape.in_category:
        statement = statement.select_from(CategoryProduct).join(Product, Product.id == CategoryProduct.product_id)
    has_price = shape.has_low or shape.has_high
    statement = ordered(narrowed(statement, shape), shape, sort, backwards=backwards, goes_on=goes_on)
    return statement.limit(bindparam("most") if has_price else in_words(limit))


@lru_cache(maxsize=64)
def count_statement(shape: Shape) -> Select[Any]:
    """How many match, counting no further than ``most``."""
    found = narrowed(select(CategoryProduct.product_id if shape.in_category else Product.id), shape).limit(bindparam("most"))
    return select(func.count()).select_from(found.subquery())


def list_goods(filters: Filters, sort: Sort, cursor: str | None, limit: int) -> Page[Any]:
    """One page, in the order of ``sort``.

    Raises:
        Invalid: the cursor is not one of this list.
    """
    place = read_cursor(cursor, sort)
    statement = list_statement(Shape.of(filters), sort, limit + 1, backwards=place.backwards, goes_on=place.goes_on)
    return cut(rows(statement, most=limit + 1, **filters.params, **place.params), sort, place, limit)


@dataclass(frozen=True, slots=True)
class Place:
    """Where a page begins: after (or, ``backwards``, before) the row with this key."""

    params: dict[str, Any]
    backwards: bool = False

    @property
    def goes_on(self) -> bool:
        return bool(self.params)


def read_cursor(cursor: str | None, sort: Sort) -> Place:
    """The place that a cursor names.

    Raises:
        Invalid: it is not a cursor of a list in this order.
    """
    if not cursor:
        return Place({})
    of, direction, key, place = decode_cursor(cursor, str, str, int, int)
    if of != sort or direction not in {"next", "back"}:
        raise Invalid({"/cursor": ["This is not a place in this list. Start again without a cursor."]})
    if KEYS[sort] == "published_at":
        try:
            key = EPOCH + key * MICROSECOND
        except OverflowError:
            raise Invalid({"/cursor": ["This is not a place in this list. Start again without a cursor."]}) from None
    return Place({"last_key": key, "last_id": place}, direction == "back")


def cut(found: Sequence[Any], sort: Sort, place: Place, limit: int) -> Page[Any]:
    """The page within ``limit + 1`` rows that were read, with the cursors to its neighbors."""
    has_more = len(found) > limit
    items = list(found[:limit])
    if place.backwards:
        items.reverse()
    has_next = bool(items) and (place.backwards or has_more)
    has_previous = bool(items) and (has_more if place.backwards else place.goes_on)
    return Page(
        items,
        write_cursor(sort, "next", items[-1]) if has_next else None,
        write_cursor(sort, "back", items[0]) if has_previous else None,
    )


def write_cursor(sort: Sort, direction: str, row: Any) -> str:
    key = row.key
    if isinstance(key, datetime):
        key = (key - EPOCH) // MICROSECOND
    return encode_cursor(str(sort), direction, key, row.id)


LISTED = select(func.count()).select_from(Product).where(Product.is_listed == true())


def count_listed() -> int:
    """How many goods the shop shows; counted once per version of the catalog."""
    return kept("catalog", "listed", lambda: int(scalar(LISTED) or 0))


def count_goods(filters: Filters) -> Count:
    """How many goods a narrowed list holds; beyond a thousand nobody counts on."""
    number = int(scalar(count_statement(Shape.of(filters)), most=COUNTED_MOST + 1, **filters.params) or 0)
    return Count(min(number, COUNTED_MOST), number > COUNTED_MOST)
