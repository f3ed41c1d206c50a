"""Counts the pieces: what arrived, what the orders took, so that each variant ends with the stock that its file says."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import timedelta

from sqlalchemy import insert, select, update

from shop.catalog.models import Product
from shop.db import transaction
from shop.demo.goods import Shelved
from shop.demo.people import STAFF
from shop.demo.turns import Move
from shop.inventory.models import Reason, StockItem, StockMovement
from shop.order.models import Order, OrderLine, OrderState


def write_ledger(shelved: Shelved, moves: Sequence[Move]) -> None:
    """Stock items and movements, oldest first: one delivery a day before a good was published, then each order."""
    taken: Counter[int] = Counter()
    for move in moves:
        taken[move.variant_id] -= move.delta
    arrivals = [
        Move(sold.id, sold.piece.stock + taken[sold.id], Reason.DELIVERY, "", STAFF, sold.published_at - timedelta(days=1))
        for sold in shelved.variants.values()
        if sold.piece.stock + taken[sold.id]
    ]
    ordered = sorted([*arrivals, *moves], key=lambda move: move.at)
    levels = [
        {
            "variant_id": sold.id,
            "on_hand": sold.piece.stock,
            "low_at": sold.piece.low_at,
            "is_tracked": True,
            "tracked_since": sold.published_at - timedelta(days=1),
        }
        for sold in shelved.variants.values()
    ]
    names = ("variant_id", "delta", "reason", "reference", "actor", "at")
    with transaction() as session:
        session.execute(insert(StockItem), levels)
        session.execute(insert(StockMovement), [{name: getattr(move, name) for name in names} for move in ordered])


def count_sales(shelved: Shelved) -> None:
    """How often each product was sold: what was canceled does not count."""
    sold_of = {sold.id: sold.product_id for sold in shelved.variants.values()}
    sales: Counter[int] = Counter()
    with transaction() as session:
        lines = select(OrderLine.variant_id, OrderLine.quantity).join(Order, Order.id == OrderLine.order_id)
        for line in session.execute(lines.where(Order.state != OrderState.CANCELED)):
            sales[sold_of[line.variant_id]] += line.quantity
        for product_id, count in sales.items():
            counted = update(Product).where(Product.id == product_id).values(sold_count=count)
            session.execute(counted, execution_options={"synchronize_session": False})
