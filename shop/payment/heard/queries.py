"""Messages of gateways for staff: those that did nothing, and attempts for which another amount came than was asked."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Row, bindparam, func, select

from shop.db import rows, scalar
from shop.order.models import Order
from shop.payment.models import GatewayMessage, MessageState, Payment, State
from shop.web.pagination import Page, decode_cursor, encode_cursor

PAGE = 50
MESSAGES = (
    select(
        GatewayMessage.id,
        GatewayMessage.gateway,
        GatewayMessage.event_id,
        GatewayMessage.kind,
        GatewayMessage.state,
        GatewayMessage.note,
        GatewayMessage.tries,
        GatewayMessage.received_at,
        Order.number,
    )
    .outerjoin(Payment, Payment.id == GatewayMessage.payment_id)
    .outerjoin(Order, Order.id == Payment.order_id)
    .order_by(GatewayMessage.id.desc())
    .limit(PAGE + 1)
)
_mismatched = (Payment.state == State.UNKNOWN) & Payment.settled_at.is_not(None)
MISMATCHES = (
    select(Payment.id, Payment.gateway, Payment.reference, Payment.error, Payment.settled_at, Order.number)
    .join(Order, Order.id == Payment.order_id)
    .where(_mismatched)
    .order_by(Payment.id.desc())
    .limit(bindparam("most"))
)
GIVEN_UP = select(func.count()).select_from(GatewayMessage).where(GatewayMessage.state == MessageState.GIVEN_UP)
MISMATCHED = select(func.count()).select_from(Payment).where(_mismatched)


def list_messages(*, state: MessageState | None = None, cursor: str | None = None) -> Page[Row[Any]]:
    """What gateways said, newest first; ``number`` is the order's, if it is about one of ours."""
    wanted = MESSAGES
    if state is not None:
        wanted = wanted.where(GatewayMessage.state == state)
    if cursor:
        wanted = wanted.where(GatewayMessage.id < decode_cursor(cursor, int)[0])
    found = rows(wanted)
    return Page(found[:PAGE], encode_cursor(found[PAGE - 1].id) if len(found) > PAGE else None)


def list_mismatches() -> Sequence[Row[Any]]:
    """Attempts for which a gateway took another amount, or currency, than was asked: a person must look. Newest first, a page of them."""
    return rows(MISMATCHES, most=PAGE)


def count_given_up() -> int:
    """Messages that could not be acted on in many tries."""
    return int(scalar(GIVEN_UP))


def count_for_people() -> int:
    """Messages that were given up, and attempts for which another amount came."""
    return int(scalar(MISMATCHED)) + count_given_up()
