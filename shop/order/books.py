"""What an order is worth, in the ledger: posted when it is first paid, corrected when it is edited, taken back when it ends.

An order that nobody paid yet stands in no book: its own row says what it asks for (ADR 0017).
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, Row, bindparam, case, cast, func, select

from shop.db import row
from shop.errors import NotFound
from shop.ledger.models import AGREED, Account, Cause
from shop.ledger.queries import balances_of
from shop.ledger.services import post
from shop.order.models import Adjustment, AdjustmentKind, Order, OrderLine, OrderState
from shop.pricing.rounding import WHOLE_PPM


def _of(table: Any, amount: Any) -> Any:
    found = select(func.coalesce(func.sum(amount), 0)).where(table.order_id == Order.id)
    return cast(found.scalar_subquery(), BigInteger)


def _net_discount(table: Any) -> Any:
    """What was taken off, without the tax that it would have had: rounded half up, for the accounts alone; no amount is asked by it."""
    whole = WHOLE_PPM + case((Order.prices_include_tax, table.tax_rate_ppm), else_=0)
    wholes, rest = table.discount_minor // whole, table.discount_minor % whole  # apart, so that no product outgrows 64 bits
    return wholes * WHOLE_PPM + (rest * (2 * WHOLE_PPM) + whole) // (2 * whole)


WORTH = select(
    Order.state,
    Order.currency,
    Order.version,
    Order.total_minor,
    Order.tax_minor,
    _of(OrderLine, _net_discount(OrderLine)).label("off_goods"),
    _of(Adjustment, case((Adjustment.kind == AdjustmentKind.SHIPPING, Adjustment.net_minor), else_=0)).label("shipping"),
    _of(Adjustment, _net_discount(Adjustment)).label("off_shipping"),
).where(Order.id == bindparam("order_id"))


def post_agreement(order_id: int, cause: Cause, *, by: str, at: datetime) -> bool:
    """Bring the order's accounts to what its row says: its worth, or nothing once it is canceled. Gives False when they say so already.

    What was refunded of an order that is canceled later counts as paid back then. Only inside ``transaction()``, with the order's row claimed.
    """
    order = row(WORTH, order_id=order_id)
    if order is None:
        raise NotFound
    now = balances_of(order_id)
    wanted = {} if order.state is OrderState.CANCELED else worth(order)
    kept = () if order.state is OrderState.CANCELED else (Account.REFUNDS,)
    moves = {account: wanted.get(account, 0) - now.get(account, 0) for account in AGREED if account not in kept}
    moves[Account.RECEIVABLE] = -sum(moves.values())
    key = f"{cause.value}:{order_id}:{order.version}"
    return post(order_id, cause, key, moves, currency=order.currency, by=by, at=at)


def worth(order: Row[Any]) -> dict[Account, int]:
    """What an order's total consists of, net: goods and delivery before discounts, discounts, tax. With the receivable they sum to zero."""
    goods = order.total_minor - order.tax_minor - order.shipping
    return {
        Account.SALES: -(goods + order.off_goods),
        Account.SHIPPING: -(order.shipping + order.off_shipping),
        Account.DISCOUNTS: order.off_goods + order.off_shipping,
        Account.TAX: -order.tax_minor,
    }
