"""How the money of an order stands by its books: what is owed, and what lists say of it to staff and to the buyer.

A state alone does not tell it: a paid order that was canceled or edited owes the customer something until the money is back.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, cast

from sqlalchemy import Table

from shop.ledger.queries import agreed_sum, receivable_sum, refunded_sum
from shop.money import Money
from shop.order.models import Order, OrderState, PaymentState

_orders = cast("Table", Order.__table__)
STANDING = (
    refunded_sum(_orders.c.id).label("refunded_minor"),
    receivable_sum(_orders.c.id).label("receivable_minor"),
    agreed_sum(_orders.c.id).label("agreed_minor"),
)
"""Columns that a list of orders reads beside ``state``, ``payment_state``, ``total_minor`` and ``currency``."""
WAITS = frozenset({PaymentState.UNPAID, PaymentState.CHECKING, PaymentState.AUTHORIZED})


@dataclass(frozen=True, slots=True)
class Standing:
    """``to_pay`` and ``to_give_back`` are what is still to move, ``refunded`` what went back; none is below zero."""

    to_pay: Money
    to_give_back: Money
    refunded: Money


def owed_of(order: Any) -> Money:
    """By the books; an order that is not in them yet (nobody paid it) owes its total, unless it is canceled. Below zero the shop owes it."""
    is_in_books = order.agreed_minor != 0 or order.state is OrderState.CANCELED
    return Money(order.receivable_minor + (0 if is_in_books else order.total_minor), order.currency)


def standing_of(order: Any) -> Standing:
    """Of a row of a list. What is owed while the first payment is awaited is no finding: its state says it."""
    owed, nothing = owed_of(order), Money.zero(order.currency)
    waits = order.payment_state in WAITS
    return Standing(
        to_pay=owed if owed > nothing and not waits else nothing,
        to_give_back=-owed if owed < nothing else nothing,
        refunded=Money(order.refunded_minor, order.currency),
    )
