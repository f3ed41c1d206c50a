"""What the first page of the back office counts: sales by day, shelves that empty, and what a word leads to."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from flask import current_app
from sqlalchemy import BigInteger, Integer, Row, bindparam, cast, extract, func, or_, select

from shop.catalog.models import Product, ProductText, Variant
from shop.db import is_sqlite, row, rows
from shop.inventory.models import StockItem
from shop.money import Money
from shop.order.models import Order, OrderState
from shop.order.worklist import first_moment

QUARTER_S = 900  # every time zone's days begin on a quarter of an hour
LOW = (StockItem.is_tracked.is_(True), StockItem.on_hand <= StockItem.low_at, Variant.archived_at.is_(None), Product.archived_at.is_(None))
_variants = (
    select(
        Variant.id,
        Variant.sku,
        StockItem.on_hand,
        StockItem.low_at,
        func.coalesce(ProductText.name, Product.handle).label("name"),
        ProductText.slug,
    )
    .join(Product, Product.id == Variant.product_id)
    .join(StockItem, StockItem.variant_id == Variant.id)
    .outerjoin(ProductText, (ProductText.product_id == Product.id) & (ProductText.locale == bindparam("locale")))
)
LOW_STOCK = _variants.where(*LOW).order_by(StockItem.on_hand, Product.sold_count.desc(), Variant.id).limit(bindparam("most"))
COUNT_LOW = (
    select(func.count().label("low"), func.count().filter(StockItem.on_hand == 0).label("sold_out"))
    .select_from(StockItem)
    .join(Variant, Variant.id == StockItem.variant_id)
    .join(Product, Product.id == Variant.product_id)
    .where(*LOW)
)


@dataclass(frozen=True, slots=True)
class DayOfSales:
    """What was ordered on a day, as the shop's clock has it, without what was canceled."""

    day: date
    total: Money
    orders: int


def list_sales(last: date, days: int) -> list[DayOfSales]:
    """The ``days`` up to ``last``, oldest first; days without orders are there too."""
    config = current_app.extensions["config"]
    zone, first = ZoneInfo(config.timezone), last - timedelta(days=days - 1)
    minor, count = dict.fromkeys(_days(first, days), 0), dict.fromkeys(_days(first, days), 0)
    for found in rows(_sales(), since=first_moment(first), until=first_moment(last + timedelta(days=1)), currency=config.currency):
        day = datetime.fromtimestamp(int(found.quarter) * QUARTER_S, UTC).astimezone(zone).date()
        minor[day] += int(found.minor)
        count[day] += found.orders
    return [DayOfSales(day, Money(minor[day], config.currency), count[day]) for day in minor]


def _days(first: date, days: int) -> list[date]:
    return [first + timedelta(days=number) for number in range(days)]


def _sales() -> Any:
    """By quarters of an hour: the databases need not know the shop's time zone."""
    epoch = cast(func.strftime("%s", Order.placed_at), Integer) if is_sqlite() else func.floor(extract("epoch", Order.placed_at))
    quarter = cast(epoch, BigInteger).op("/")(QUARTER_S)
    since, until = (bindparam(name, type_=Order.__table__.c.placed_at.type) for name in ("since", "until"))
    return (
        select(quarter.label("quarter"), func.sum(Order.total_minor).label("minor"), func.count().label("orders"))
        .where(Order.placed_at >= since, Order.placed_at < until)
        .where(Order.state != OrderState.CANCELED, Order.currency == bindparam("currency"))
        .group_by("quarter")
    )


def count_low_stock() -> Row[Any]:
    """``low``: variants at or below their mark; ``sold_out``: of these without any piece."""
    counted = row(COUNT_LOW)
    assert counted is not None
    return counted


def list_low_stock(locale: str, *, most: int = 8) -> Sequence[Row[Any]]:
    """What runs out, emptiest first."""
    return rows(LOW_STOCK, locale=locale, most=most)


def find_goods(word: str, locale: str, *, most: int = 20) -> Sequence[Row[Any]]:
    """Variants whose SKU begins with the word, or whose name holds it."""
    sku = func.lower(Variant.sku).startswith(word.lower(), autoescape=True)
    name = func.lower(ProductText.name).contains(word.lower(), autoescape=True)
    wanted = _variants.where(Variant.archived_at.is_(None), or_(sku, name)).order_by(Product.sold_count.desc(), Variant.id).limit(most)
    return rows(wanted, locale=locale)
