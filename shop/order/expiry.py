"""An order that nobody paid in time ends, and comes back if its money arrives after all and the goods are still there.

When that time is over, and whether a payment may still be in flight, is for ``shop.payment.expiry`` to know.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import Row, select

from shop.catalog.listing import refresh_availability
from shop.catalog.models import Variant
from shop.db import connection, transaction
from shop.inventory.services import StockLeft, try_to_take_stock
from shop.order.models import OrderState, PaymentState
from shop.order.services import change_order, claim_order, end_agreement, record_entry, tell, unreturned_pieces
from shop.promotion.uses import claim_uses_again


def expire_order(order_id: int, *, at: datetime) -> bool:
    """End an order that is still unpaid; its stock goes back. False when it was paid, is being paid, or ended meanwhile."""
    with transaction():
        order = claim_order(order_id)
        if order.state is not OrderState.OPEN or order.payment_state is not PaymentState.UNPAID:
            return False
        end_agreement(order, by="shop", at=at)
        change_order(order_id, expired_at=at)
        tell(order, "expired", by="shop", at=at)
        return True


def accept_late_payment(order: Row[Any], *, by: str, at: datetime) -> bool:
    """Money came for an order that has ended. One that expired takes its stock and its promotions again and goes on; else False: the money must go back.

    Only inside the transaction that records the money, with the order's row claimed.
    """
    pieces = unreturned_pieces(order.id)
    left = _take_again(order, pieces, by=by, at=at) if order.expired_at is not None else None
    if left is None:
        record_entry(order.id, "paid_too_late", by="shop", at=at)
        return False
    change_order(order.id, state=OrderState.OPEN, canceled_at=None, expired_at=None)
    few = [stock.variant_id for stock in left if stock.is_few]
    if few:
        products = connection().execute(select(Variant.product_id).where(Variant.id.in_(few))).scalars()
        refresh_availability(set(products), at=at)
    tell(order, "reopened", by="shop", at=at)
    return True


def _take_again(order: Row[Any], pieces: list[tuple[int, int]], *, by: str, at: datetime) -> list[StockLeft] | None:
    """The stock and the uses of promotions, or neither: the last use of a code may be somebody else's by now."""
    kept = connection().begin_nested()
    left = try_to_take_stock(pieces, reference=order.number, actor=by, at=at)
    if left is None or not claim_uses_again(order.id):
        kept.rollback()
        return None
    kept.commit()
    return left
