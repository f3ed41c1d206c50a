"""Stock for staff: which variants there are how many of, and the ledger that says why."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from enum import StrEnum
from typing import Any, NamedTuple

from flask_babel import gettext as _
from sqlalchemy import ColumnElement, Row, and_, bindparam, func, or_, select

from shop.catalog.models import OptionValueText, Product, ProductText, Variant, VariantOption
from shop.catalog.staff_queries import PAGE, default_locale, folded, folding, is_coded, other_text, own_name, own_text
from shop.db import row, rows
from shop.errors import NotFound
from shop.inventory.models import StockItem, StockMovement
from shop.media.models import Image
from shop.web.pagination import Page, decode_cursor, encode_cursor


class StockView(StrEnum):
    """Which variants."""

    LOW = "low"
    SOLD_OUT = "sold_out"
    UNCOUNTED = "uncounted"


STOCK_VIEWS: dict[StockView, ColumnElement[bool]] = {
    StockView.LOW: and_(StockItem.is_tracked.is_(True), StockItem.on_hand <= StockItem.low_at),
    StockView.SOLD_OUT: and_(StockItem.is_tracked.is_(True), StockItem.on_hand <= 0),
    StockView.UNCOUNTED: func.coalesce(StockItem.is_tracked, False).is_(False),
}
STOCK = (
    select(
        Variant.id,
        Variant.product_id,
        Variant.sku,
        Variant.barcode,
        own_name.label("name"),
        StockItem.on_hand,
        func.coalesce(StockItem.low_at, 3).label("low_at"),
        func.coalesce(StockItem.is_tracked, False).label("is_tracked"),
        func.coalesce(StockItem.backorder_to, 0).label("backorder_to"),
        func.coalesce(StockItem.lead_days, 0).label("lead_days"),
        Image.hash,
        Image.width,
        Image.height,
        Image.widths,
    )
    .join(Product, Product.id == Variant.product_id)
    .outerjoin(StockItem, StockItem.variant_id == Variant.id)
    .outerjoin(own_text, (own_text.product_id == Product.id) & (own_text.locale == bindparam("locale")))
    .outerjoin(other_text, (other_text.product_id == Product.id) & (other_text.locale == bindparam("default")))
    .outerjoin(Image, Image.id == Product.image_id)
)
FOR_SALE = (Variant.archived_at.is_(None), Product.archived_at.is_(None))
WORDS = (
    select(VariantOption.variant_id, OptionValueText.name)
    .join(OptionValueText, OptionValueText.value_id == VariantOption.value_id)
    .where(VariantOption.variant_id.in_(bindparam("ids", expanding=True)), OptionValueText.locale == bindparam("default"))
    .order_by(VariantOption.variant_id, VariantOption.option_id)
)
COUNT_STOCK = (
    select(
        func.count().filter(StockItem.on_hand <= StockItem.low_at).label("low"),
        func.count().filter(StockItem.on_hand <= 0).label("sold_out"),
    )
    .select_from(StockItem)
    .join(Variant, Variant.id == StockItem.variant_id)
    .join(Product, Product.id == Variant.product_id)
    .where(StockItem.is_tracked.is_(True), StockItem.on_hand <= StockItem.low_at, *FOR_SALE)
)
LEDGER = (
    select(StockMovement.id, StockMovement.delta, StockMovement.reason, StockMovement.reference, StockMovement.actor, StockMovement.at)
    .where(StockMovement.variant_id == bindparam("variant_id"))
    .order_by(StockMovement.id.desc())
)


class StockRow(NamedTuple):
    """A variant in the list of stock; ``words`` are its values, ``on_hand`` None where nobody counts."""

    variant: Any
    words: str
    on_hand: int | None

    @property
    def is_low(self) -> bool:
        return self.on_hand is not None and self.on_hand <= self.variant.low_at


class Movement(NamedTuple):
    """A line of the ledger, and how many pieces there were after it."""

    id: int
    delta: int
    reason: str
    reference: str
    actor: str
    at: datetime
    after: int


def list_stock(view: StockView | None, search: str, locale: str, *, limit: int = PAGE, cursor: str | None = None) -> Page[StockRow]:
    """Variants on sale or planned, those of a product beside each other, the newest products first."""
    statement = STOCK.where(*FOR_SALE).order_by(Variant.product_id.desc(), Variant.id)
    if view:
        statement = statement.where(STOCK_VIEWS[view])
    if text := search.strip():
        named = select(ProductText.product_id).where(folding(ProductText.name).contains(folded(text), autoescape=True))
        statement = statement.where(or_(Variant.product_id.in_(named), is_coded(text)))
    if cursor:
        product_id, variant_id = decode_cursor(cursor, int, int)
        later = and_(Variant.product_id == product_id, Variant.id > variant_id)
        statement = statement.where(or_(Variant.product_id < product_id, later))
    found = rows(statement.limit(limit + 1), locale=locale, default=default_locale())
    items = _stock_rows(found[:limit])
    last = found[limit - 1] if len(found) > limit else None
    return Page(items, encode_cursor(last.product_id, last.id) if last else None)


def get_stock(variant_id: int, locale: str) -> StockRow:
    """One variant as the list has it, archived ones too.

    Raises:
        NotFound: there is none.
    """
    found = rows(STOCK.where(Variant.id == variant_id), locale=locale, default=default_locale())
    if not found:
        raise NotFound(_("There is no such variant."))
    return _stock_rows(found)[0]


def _stock_rows(found: Sequence[Row[Any]]) -> list[StockRow]:
    words: dict[int, list[str]] = {}
    if found:
        for word in rows(WORDS, ids=[variant.id for variant in found], default=default_locale()):
            words.setdefault(word.variant_id, []).append(word.name)
    return [StockRow(variant, ", ".join(words.get(variant.id, ())), variant.on_hand if variant.is_tracked else None) for variant in found]


def count_stock_tasks() -> Row[Any]:
    """``low``: variants at or below their mark; ``sold_out``: of these without any piece."""
    counted = row(COUNT_STOCK)
    assert counted is not None
    return counted


def list_movements(variant_id: int, on_hand: int, *, limit: int = PAGE, cursor: str | None = None) -> Page[Movement]:
    """The ledger of a variant, the newest line first; ``on_hand`` is what there is now."""
    statement, after = LEDGER, on_hand
    if cursor:
        before, after = decode_cursor(cursor, int, int)
        statement = statement.where(StockMovement.id < before)
    found = rows(statement.limit(limit + 1), variant_id=variant_id)
    items = []
    for line in found[:limit]:
        items.append(Movement(line.id, line.delta, line.reason, line.reference, line.actor, line.at, after))
        after -= line.delta
    return Page(items, encode_cursor(items[-1].id, after) if len(found) > limit else None)
