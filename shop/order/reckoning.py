"""What became of each line of an order, in pieces and in money: ordered, taken off, sent, returned, paid back, and what of it may still happen.

The one place that says so. Returns, refunds and edits ask it with the order's row held, and write what they did by ``count_paid_back``; rules S02
and R01 of the audit prove its counters from the returns and refunds themselves.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import cast

from flask_babel import gettext as _
from sqlalchemy import Table, bindparam, case, func, select, update

from shop.db import connection, rows, transaction
from shop.errors import Invalid
from shop.order.models import Adjustment, FulfillmentState, Order, OrderLine
from shop.order.returns.models import ReturnLine, ReturnRequest
from shop.order.returns.states import UNDER_WAY

HANDED_OVER = (FulfillmentState.DELIVERED, FulfillmentState.RETURNED)
orders, lines, taken = (cast("Table", table.__table__) for table in (Order, OrderLine, Adjustment))
_agreed = lines.c.quantity - lines.c.canceled_quantity
_with_customer = case(  # what is collected never travels in a parcel
    (orders.c.fulfillment_state.in_(HANDED_OVER) & lines.c.requires_shipping, _agreed), else_=lines.c.shipped_quantity
)
_off = select(func.coalesce(func.sum(taken.c.gross_minor), 0)).where(taken.c.order_line_id == lines.c.id).scalar_subquery()
_announced = (
    select(func.coalesce(func.sum(ReturnLine.quantity), 0))
    .join(ReturnRequest, ReturnRequest.id == ReturnLine.return_id)
    .where(ReturnLine.order_line_id == lines.c.id, ReturnRequest.state.in_(UNDER_WAY))
    .scalar_subquery()
)
LINES = (
    select(
        lines.c.id,
        lines.c.variant_id,
        lines.c.requires_shipping,
        lines.c.quantity.label("ordered"),
        lines.c.canceled_quantity.label("canceled"),
        lines.c.shipped_quantity.label("shipped"),
        _with_customer.label("sent"),
        lines.c.returned_quantity.label("returned"),
        _announced.label("announced"),
        lines.c.refunded_quantity.label("refunded"),
        (lines.c.gross_minor + _off).label("worth_minor"),
        lines.c.refunded_minor,
    )
    .join(orders, orders.c.id == lines.c.order_id)
    .where(lines.c.order_id == bindparam("order_id"))
    .order_by(lines.c.position)
)
COUNT = (
    update(lines)
    .where(lines.c.id == bindparam("line_id"))
    .values(refunded_quantity=lines.c.refunded_quantity + bindparam("pieces"), refunded_minor=lines.c.refunded_minor + bindparam("minor"))
)


@dataclass(frozen=True, slots=True)
class LineAccount:
    """One line. Counts are pieces; amounts are minor units with tax, after discounts and after what edits took off.

    ``ordered`` is as it was placed, ``canceled`` what edits took off. ``sent`` are or were with the customer; of these ``returned`` came back, or are
    held for a refund that brings them, and ``announced`` are to come by a return. ``refunded`` are the pieces whose money went back or is set aside
    for it, ``refunded_minor`` what they had cost; ``worth_minor`` is what all that is agreed costs.
    """

    id: int
    variant_id: int | None
    requires_shipping: bool
    ordered: int
    canceled: int
    shipped: int
    sent: int
    returned: int
    announced: int
    refunded: int
    worth_minor: int
    refunded_minor: int

    @property
    def agreed(self) -> int:
        return self.ordered - self.canceled

    @property
    def may_cancel(self) -> int:
        """Pieces that an edit may take off: still here, and their money too."""
        return max(0, self.agreed - max(self.shipped, self.refunded))

    @property
    def may_return(self) -> int:
        """Pieces with the customer of which nobody has announced that they come back."""
        return max(0, self.sent - self.returned - self.announced)

    @property
    def may_refund(self) -> int:
        """Pieces whose money did not go back yet."""
        return self.agreed - self.refunded

    @property
    def may_refund_minor(self) -> int:
        """What these cost together."""
        return max(0, self.worth_minor - self.refunded_minor)

    def price(self, pieces: int) -> int:
        """What was paid for the next ``pieces`` of those that may be refunded, rounded down: the last one takes the rest, so that parts of a line
        sum to the whole line."""
        return self.may_refund_minor * pieces // self.may_refund if pieces else 0


def reckon_lines(order_id: int) -> dict[int, LineAccount]:
    """The account of each line of an order, by its id, in the order of their places."""
    found = {}
    for line in rows(LINES, order_id=order_id):
        values = line._asdict()
        for name in ("announced", "worth_minor"):
            values[name] = int(values[name])  # PostgreSQL sums to numeric
        found[line.id] = LineAccount(**values)
    return found


def price_pieces(order_id: int, pieces: Mapping[int, int]) -> dict[int, int]:
    """What goes back for ``pieces`` of each line, in minor units. Inside the transaction that holds the order.

    Raises:
        Invalid: a line is not of this order, or has fewer pieces that are not paid back yet.
    """
    accounts = reckon_lines(order_id) if pieces else {}
    if any(line_id not in accounts or not 1 <= count <= accounts[line_id].may_refund for line_id, count in pieces.items()):
        raise Invalid({"/lines": [_("So many pieces of that line are not left to be paid back.")]})
    return {line_id: accounts[line_id].price(count) for line_id, count in pieces.items()}


def count_paid_back(shares: Mapping[int, tuple[int, int]]) -> None:
    """Count ``shares`` (line: pieces, and what they had cost) as paid back; below nothing they are free again. The caller holds the order."""
    if shares:
        with transaction():
            connection().execute(COUNT, [{"line_id": line, "pieces": pieces, "minor": minor} for line, (pieces, minor) in shares.items()])
