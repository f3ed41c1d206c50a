"""What follows an order without anybody waiting for it: bestsellers are counted anew."""

from __future__ import annotations

from flask import Flask
from sqlalchemy import bindparam, func, select

from shop.catalog.listing import hold_products, write_sold_counts
from shop.catalog.models import Variant
from shop.db import rows, transaction
from shop.order.models import Order, OrderLine, OrderState
from shop.outbox import Happened, subscribe

PRODUCTS = (
    select(Variant.product_id)
    .join(OrderLine, OrderLine.variant_id == Variant.id)
    .where(OrderLine.order_id == bindparam("order_id"))
    .distinct()
    .order_by(Variant.product_id)
)
AGREED = OrderLine.quantity - OrderLine.canceled_quantity
SOLD = (
    select(Variant.product_id, func.coalesce(func.sum(AGREED).filter(Order.state != OrderState.CANCELED), 0).label("pieces"))
    .join(OrderLine, OrderLine.variant_id == Variant.id)
    .join(Order, Order.id == OrderLine.order_id)
    .where(Variant.product_id.in_(bindparam("ids", expanding=True)))
    .group_by(Variant.product_id)
)


def init_app(app: Flask) -> None:
    subscribe(app, "order.placed", "order.count_sold", count_sold)
    subscribe(app, "order.canceled", "order.uncount_sold", count_sold)
    subscribe(app, "order.expired", "order.uncount_sold_expired", count_sold)
    subscribe(app, "order.reopened", "order.count_sold_again", count_sold)


def count_sold(event: Happened) -> None:
    """Sum up anew what was sold of the order's goods; what was canceled does not count. Called twice it writes the same."""
    with transaction():
        ids = [found.product_id for found in rows(PRODUCTS, order_id=event.payload["order_id"])]
        if ids:
            hold_products(ids)
            write_sold_counts({found.product_id: int(found.pieces) for found in rows(SOLD, ids=ids)})
