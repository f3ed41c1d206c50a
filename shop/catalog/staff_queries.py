"""Lists of the catalog for staff: products in any state, stock and its ledger, all categories. Pages by keyset, nothing counted."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from flask import current_app
from flask_babel import gettext as _
from sqlalchemy import BigInteger, ColumnElement, Row, and_, bindparam, cast, func, or_, select
from sqlalchemy.orm import aliased

from shop.catalog.models import (
    Category,
    CategoryText,
    Product,
    ProductCategory,
    ProductText,
    Variant,
)
from shop.db import UtcDateTime, is_sqlite, row, rows
from shop.errors import NotFound
from shop.inventory.models import StockItem
from shop.media.models import Image
from shop.web.pagination import Page, decode_cursor, encode_cursor

PAGE = 50
PAGE_MOST = 100
own_text, other_text = aliased(ProductText), aliased(ProductText)
own_name = func.coalesce(own_text.name, other_text.name, Product.handle)
_slug = func.coalesce(own_text.slug, other_text.slug)
_at: Any = bindparam("at", type_=UtcDateTime())


class ProductState(StrEnum):
    """Where a product stands on its way into the shop and out of it. Incomplete: published, but nothing in it has a price."""

    DRAFT = "draft"
    PLANNED = "planned"
    ON_SALE = "on_sale"
    INCOMPLETE = "incomplete"
    ARCHIVED = "archived"


class Supply(StrEnum):
    """How much there is of it."""

    SOLD_OUT = "sold_out"
    LOW = "low"


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """Which products; everything that is not None must hold. ``category_id`` is a shelf with those below it."""

    state: ProductState | None = None
    supply: Supply | None = None
    category_id: int | None = None
    search: str = ""


STATES: dict[ProductState, ColumnElement[bool]] = {
    ProductState.DRAFT: and_(Product.archived_at.is_(None), Product.published_at.is_(None)),
    ProductState.PLANNED: and_(Product.archived_at.is_(None), Product.published_at > _at),
    ProductState.ON_SALE: Product.is_listed.is_(True),
    ProductState.INCOMPLETE: and_(Product.archived_at.is_(None), Product.published_at <= _at, Product.is_listed.is_(False)),
    ProductState.ARCHIVED: Product.archived_at.is_not(None),
}
_on_sale = select(Variant.id).where(Variant.product_id == Product.id, Variant.archived_at.is_(None))
_running_low = _on_sale.join(StockItem, StockItem.variant_id == Variant.id).where(
    StockItem.is_tracked.is_(True), StockItem.on_hand > 0, StockItem.on_hand <= StockItem.low_at
)
SUPPLIES: dict[Supply, ColumnElement[bool]] = {
    Supply.SOLD_OUT: and_(Product.archived_at.is_(None), Product.available.is_(False), _on_sale.exists()),
    Supply.LOW: and_(Product.archived_at.is_(None), _running_low.exists()),
}
PRODUCTS = (
    select(
        Product.id,
        own_name.label("name"),
        _slug.label("slug"),
        Product.handle,
        Product.price_from_minor,
        Product.price_to_minor,
        Product.available,
        Product.is_listed,
        Product.published_at,
        Product.archived_at,
        Product.updated_at,
        Product.version,
        Image.hash,
        Image.width,
        Image.height,
        Image.widths,
    )
    .outerjoin(own_text, (own_text.product_id == Product.id) & (own_text.locale == bindparam("locale")))
    .outerjoin(other_text, (other_text.product_id == Product.id) & (other_text.locale == bindparam("default")))
    .outerjoin(Image, Image.id == Product.image_id)
    .order_by(Product.id.desc())
)
AMOUNTS = (
    select(
        Variant.product_id,
        func.count().label("variants"),
        cast(func.sum(StockItem.on_hand).filter(StockItem.is_tracked.is_(True)), BigInteger).label("on_hand"),
        func.count().filter(StockItem.is_tracked.is_(True), StockItem.on_hand == 0).label("sold_out"),
        func.count().filter(StockItem.is_tracked.is_(True), StockItem.on_hand > 0, StockItem.on_hand <= StockItem.low_at).label("low"),
    )
    .outerjoin(StockItem, StockItem.variant_id == Variant.id)
    .where(Variant.product_id.in_(bindparam("ids", expanding=True)), Variant.archived_at.is_(None))
    .group_by(Variant.product_id)
)
SHELF_PATH = select(Category.path).where(Category.id == bindparam("category_id"))


def state_of(product: Any, at: datetime) -> ProductState:
    """The state of a row of products."""
    if product.archived_at is not None:
        return ProductState.ARCHIVED
    if product.published_at is None:
        return ProductState.DRAFT
    if product.published_at > at:
        return ProductState.PLANNED
    return ProductState.ON_SALE if product.is_listed else ProductState.INCOMPLETE


def list_products(
    wanted: Wanted, locale: str, *, limit: int = PAGE, cursor: str | None = None, at: datetime
) -> tuple[Page[Row[Any]], Mapping[int, Row[Any]]]:
    """Products of any state, newest first; and by id how much there is of those on the page (none: no variant)."""
    statement = PRODUCTS.where(*_conditions(wanted))
    if cursor:
        statement = statement.where(Product.id < decode_cursor(cursor, int)[0])
    params = {"at": at} if wanted.state in {ProductState.PLANNED, ProductState.INCOMPLETE} else {}
    found = rows(statement.limit(limit + 1), locale=locale, default=default_locale(), **params)
    page = Page(found[:limit], encode_cursor(found[limit - 1].id) if len(found) > limit else None)
    amounts = rows(AMOUNTS, ids=[product.id for product in page.items]) if page.items else []
    return page, {amount.product_id: amount for amount in amounts}


def default_locale() -> str:
    return str(current_app.extensions["config"].locales[0])


def _conditions(wanted: Wanted) -> list[ColumnElement[bool]]:
    found = [STATES[wanted.state]] if wanted.state else []
    if wanted.supply:
        found.append(SUPPLIES[wanted.supply])
    if wanted.category_id is not None:
        shelf = row(SHELF_PATH, category_id=wanted.category_id)
        path = shelf.path if shelf else "-"
        below = select(ProductCategory.product_id).join(Category, Category.id == ProductCategory.category_id)
        found.append(Product.id.in_(below.where(or_(Category.path == path, Category.path.startswith(f"{path}/")))))
    if wanted.search.strip():
        found.append(_matches(wanted.search.strip()))
    return found


def _matches(text: str) -> ColumnElement[bool]:
    """A part of a name in any language, the beginning of a SKU, a barcode."""
    named = select(ProductText.product_id).where(folding(ProductText.name).contains(folded(text), autoescape=True))
    coded = select(Variant.product_id).where(is_coded(text))
    return or_(Product.id.in_(named), Product.id.in_(coded), Product.handle == text)


def is_coded(text: str) -> ColumnElement[bool]:
    return or_(func.lower(Variant.sku).startswith(text.lower(), autoescape=True), Variant.barcode == text)


def folding(column: Any) -> Any:
    return func.casefold(column) if is_sqlite() else func.lower(column)


def folded(text: str) -> str:
    return text.casefold() if is_sqlite() else text.lower()


# Categories

CATEGORIES = select(
    Category.id,
    Category.parent_id,
    Category.path,
    Category.position,
    Category.product_count,
    Category.archived_at,
    Category.version,
    Category.image_id,
    Image.hash,
    Image.width,
    Image.height,
    Image.widths,
).outerjoin(Image, Image.id == Category.image_id)
CATEGORY_TEXTS = select(CategoryText.category_id, CategoryText.locale, CategoryText.name, CategoryText.slug, CategoryText.sentence)
PLACED = select(ProductCategory.category_id, func.count().label("products")).group_by(ProductCategory.category_id)


@dataclass(frozen=True, slots=True)
class StaffShelf:
    """A category of any state. ``placed`` counts the products put on it by hand, ``depth`` the shelves above it."""

    row: Row[Any]
    name: str
    trail: str
    depth: int
    placed: int
    below: int
    texts: dict[str, dict[str, str]]

    @property
    def id(self) -> int:
        return int(self.row.id)

    @property
    def above(self) -> str:
        """The trail up to it."""
        return self.trail.removesuffix(self.name)

    @property
    def is_archived(self) -> bool:
        return self.row.archived_at is not None


def list_shelves(locale: str) -> list[StaffShelf]:
    """All categories, each before those below it, siblings in their order."""
    found = {shelf.id: shelf for shelf in rows(CATEGORIES)}
    texts: dict[int, dict[str, dict[str, str]]] = {}
    for text in rows(CATEGORY_TEXTS):
        texts.setdefault(text.category_id, {})[text.locale] = {"name": text.name, "slug": text.slug, "sentence": text.sentence}
    placed = {count.category_id: count.products for count in rows(PLACED)}
    below: dict[int | None, list[Row[Any]]] = {}
    for shelf in sorted(found.values(), key=lambda shelf: (shelf.position, shelf.id)):
        below.setdefault(shelf.parent_id, []).append(shelf)
    ordered, waiting = [], [(shelf, 0, "") for shelf in reversed(below.get(None, []))]
    while waiting:
        shelf, depth, above = waiting.pop()
        own = texts.get(shelf.id, {})
        name = (own.get(locale) or own.get(default_locale()) or next(iter(own.values()), {"name": "–"}))["name"]
        trail = f"{above}{name}"
        children = below.get(shelf.id, [])
        ordered.append(StaffShelf(shelf, name, trail, depth, placed.get(shelf.id, 0), len(children), own))
        waiting += [(child, depth + 1, f"{trail} › ") for child in reversed(children)]
    return ordered


def get_shelf(category_id: int, locale: str) -> StaffShelf:
    """One category.

    Raises:
        NotFound: there is none.
    """
    for shelf in list_shelves(locale):
        if shelf.id == category_id:
            return shelf
    raise NotFound(_("There is no such category."))
