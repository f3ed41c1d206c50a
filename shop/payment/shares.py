"""How much of what was paid stands for so many pieces of an order's line."""

from __future__ import annotations

from collections.abc import Mapping
from typing import cast

from flask_babel import gettext as _
from sqlalchemy import Table, bindparam, func, select

from shop.db import rows
from shop.errors import Invalid
from shop.order.models import Adjustment, OrderLine
from shop.payment.models import Refund, RefundLine, State

lines, adjustments = cast("Table", OrderLine.__table__), cast("Table", Adjustment.__table__)
_taken = select(func.coalesce(func.sum(adjustments.c.gross_minor), 0)).where(adjustments.c.order_line_id == lines.c.id).scalar_subquery()
LINES = (
    select(lines.c.id, lines.c.quantity, lines.c.canceled_quantity, lines.c.gross_minor, _taken.label("taken_minor"))
    .where(lines.c.order_id == bindparam("order_id"))
    .order_by(lines.c.position)
)
PAID_BACK = (
    select(
        RefundLine.order_line_id,
        func.sum(RefundLine.quantity).label("pieces"),
    )
    .join(Refund, Refund.id == RefundLine.refund_id)
    .join(OrderLine, OrderLine.id == RefundLine.order_line_id)
    .where(OrderLine.order_id == bindparam("order_id"), Refund.state != State.FAILED)
    .group_by(RefundLine.order_line_id)
)


def price_lines(order_id: int, pieces: Mapping[int, int]) -> dict[int, int]:
    """What goes back for ``pieces`` of each line, in minor units: their share of the line, which has its discounts off. Parts of a line that go
    back one after the other sum to the whole line. Inside the transaction that holds the order.

    Raises:
        Invalid: a line is not of this order, or has fewer pieces that are not paid back yet.
    """
    if not pieces:
        return {}
    worth, before = line_worths(order_id), paid_back(order_id)
    found: dict[int, int] = {}
    for line_id, count in pieces.items():
        known = worth.get(line_id)
        done = before.get(line_id, 0)
        if known is None or not 1 <= count <= known[0] - done:
            raise Invalid({"/lines": [_("So many pieces of that line are not left to be paid back.")]})
        found[line_id] = part(known[1], known[0], done + count) - part(known[1], known[0], done)
    return found


def line_worths(order_id: int) -> dict[int, tuple[int, int]]:
    """By line: pieces that were agreed in the end, and what they cost together. A line's amounts are after its discounts; what an edit took off its
    pieces is off already (``shop.order.credits.worth_of`` counts alike for returns).
    """
    return {
        line.id: (line.quantity - line.canceled_quantity, max(0, line.gross_minor + int(line.taken_minor)))
        for line in rows(LINES, order_id=order_id)
    }


def paid_back(order_id: int) -> dict[int, int]:
    """Pieces by line that were paid back, or are about to be."""
    return {found.order_line_id: int(found.pieces) for found in rows(PAID_BACK, order_id=order_id)}


def left_of_lines(order_id: int) -> dict[int, int]:
    """Pieces by line that can still be paid back."""
    done = paid_back(order_id)
    return {line_id: known[0] - done.get(line_id, 0) for line_id, known in line_worths(order_id).items()}


def part(whole: int, pieces: int, count: int) -> int:
    """The worth of the first ``count`` of ``pieces``, rounded down: the last piece takes the rest."""
    return whole * count // pieces
