"""How much of a return goes back: what was paid for what came, and the delivery when a withdrawal sends back all; more is for those who may give
money back."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flask_babel import gettext as _
from sqlalchemy import bindparam, func, select

from shop.db import scalar
from shop.errors import Invalid
from shop.money import Money, format_money
from shop.order.credits import left_to_give, worth_of
from shop.order.models import Adjustment, AdjustmentKind
from shop.order.queries import OrderView
from shop.order.returns.models import ReturnReason
from shop.order.returns.queries import ReturnView
from shop.web.locale import current_locale

DELIVERY = select(func.sum(Adjustment.gross_minor)).where(
    Adjustment.order_id == bindparam("order_id"), Adjustment.kind == AdjustmentKind.SHIPPING
)


def worth_of_pieces(order: OrderView, pieces: Mapping[int, int]) -> Money:
    """What was paid for so many pieces of each line and did not go back yet; never more than is left of the order's money."""
    worth = sum(worth_of(order.id, pieces).values())
    return Money(min(worth, max(0, left_to_give(order.id))), order.total.currency)


def delivery_back(order: OrderView, found: ReturnView, pieces: Mapping[int, int]) -> Money:
    """What was paid for the delivery, if these pieces are the last of a withdrawal from the whole order; never more than what is left of the money.

    What somebody paid on top for a faster way than the cheapest standard one need not go back; that is for a person to take off.
    Source: Directive 2011/83/EU, article 13 (1) and (2).
    """
    none = Money.zero(order.total.currency)
    goods = [line for line in order.lines if line.requires_shipping]
    if found.reason is not ReturnReason.WITHDRAWAL or any(
        line.returned_quantity + pieces.get(line.id, 0) < line.quantity for line in goods
    ):
        return none
    left = order.paid - order.refunded - worth_of_pieces(order, pieces)
    paid = Money(int(scalar(DELIVERY, order_id=order.id) or 0), order.total.currency)
    return max(none, min(paid, left, key=_minor), key=_minor)


def _minor(amount: Money) -> int:
    return amount.minor


def check_amount(order: OrderView, found: ReturnView, came: Mapping[int, tuple[int, int]], refund_minor: int, user: Any) -> None:
    """Whoever may take goods back, gives back what these cost, with the delivery where the law gives it, and no more.

    Raises:
        Invalid: it is more, and the user may not give money back.
    """
    pieces = {line_id: count for line_id, (count, _restocked) in came.items()}
    worth = worth_of_pieces(order, pieces) + delivery_back(order, found, pieces)
    if refund_minor > worth.minor and not user.may("orders.refund"):
        most = format_money(worth, current_locale())
        raise Invalid({"/refund": [_("These pieces cost %(amount)s. Who may give money back can give more.", amount=most)]})
