"""Search without an index: reads the names in the order of the list until a page is full. Good for some ten thousand goods."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Any

from flask import current_app
from sqlalchemy import Select, bindparam, func, or_, select
from sqlalchemy.orm import aliased

from shop.catalog.cards import FACTS_OF
from shop.catalog.grid import COUNTED_MOST, KEYS, Count, Filters, Shape, Sort, cut, narrowed, ordered, read_cursor
from shop.catalog.models import CategoryProduct, Product, ProductText, Variant
from shop.db import rows, scalar
from shop.search.words import folded, pattern, split_words
from shop.web.pagination import Page

_own, _other = aliased(ProductText), aliased(ProductText)


def matching(statement: Select[Any], shape: Shape) -> Select[Any]:
    """``statement`` with the condition that each word stands in the name or in an article number."""
    statement = statement.outerjoin(_own, (_own.product_id == Product.id) & (_own.locale == bindparam("locale"))).outerjoin(
        _other, (_other.product_id == Product.id) & (_other.locale == bindparam("default"))
    )
    name = folded(func.coalesce(_own.name, _other.name))
    for place in range(shape.words):
        word: Any = bindparam(f"word{place}")
        numbered = select(Variant.product_id).where(Variant.archived_at.is_(None), folded(Variant.sku).like(word, escape="\\"))
        statement = statement.where(or_(name.like(word, escape="\\"), Product.id.in_(numbered)))
    return statement


def _goods(columns: Sequence[Any], shape: Shape) -> Select[Any]:
    statement = select(*columns)
    if shape.in_category:
        statement = statement.select_from(CategoryProduct).join(Product, Product.id == CategoryProduct.product_id)
    else:
        statement = statement.select_from(Product)
    return matching(narrowed(statement, shape), shape)


@lru_cache(maxsize=256)
def search_statement(shape: Shape, sort: Sort, *, backwards: bool, goes_on: bool) -> Select[Any]:
    key = getattr(CategoryProduct if shape.in_category else Product, KEYS[sort])
    goods = _goods([Product.id, key.label("key"), *FACTS_OF], shape)
    return ordered(goods, shape, sort, backwards=backwards, goes_on=goes_on).limit(bindparam("most"))


@lru_cache(maxsize=64)
def search_count_statement(shape: Shape) -> Select[Any]:
    return select(func.count()).select_from(_goods([Product.id], shape).limit(bindparam("most")).subquery())


class PlainSearch:
    """The engine of a shop that runs no other; see ``SearchEngine``."""

    def search(self, words: str, filters: Filters, sort: Sort, cursor: str | None, limit: int, *, locale: str) -> Page[Any]:
        place = read_cursor(cursor, sort)
        wanted = split_words(words)
        if not wanted:
            return Page([])
        statement = search_statement(Shape.of(filters, len(wanted)), sort, backwards=place.backwards, goes_on=place.goes_on)
        found = rows(statement, most=limit + 1, **self._params(wanted, locale), **filters.params, **place.params)
        return cut(found, sort, place, limit)

    def count(self, words: str, filters: Filters, *, locale: str) -> Count:
        wanted = split_words(words)
        if not wanted:
            return Count(0)
        statement = search_count_statement(Shape.of(filters, len(wanted)))
        number = int(scalar(statement, most=COUNTED_MOST + 1, **self._params(wanted, locale), **filters.params) or 0)
        return Count(min(number, COUNTED_MOST), number > COUNTED_MOST)

    def suggest(self, words: str, *, locale: str, limit: int = 6) -> Sequence[Any]:
        return self.search(words, Filters(), Sort.BESTSELLING, None, limit, locale=locale).items

    def _params(self, words: list[str], locale: str) -> dict[str, str]:
        patterns = {f"word{place}": pattern(word) for place, word in enumerate(words)}
        return {**patterns, "locale": locale, "default": current_app.extensions["config"].locales[0]}
