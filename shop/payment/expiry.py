"""Unpaid orders end when the time of their way to pay is over: some days for a transfer, some minutes for a card.

Whatever may be in flight is left alone. Each attempt is looked up at its gateway first, then closed there, so that nobody can pay an order that
has ended; only then does the order end, if it is still unpaid. Money that comes all the same is accepted or sent back by ``settle``.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from flask import current_app
from sqlalchemy import Row, bindparam, select

from shop.db import rows, transaction
from shop.order.expiry import expire_order
from shop.order.models import Order, OrderState, PaymentState
from shop.order.services import claim_order
from shop.payment.asking import margin
from shop.payment.models import Payment, State
from shop.payment.queries import LIVE, gateways, list_attempts
from shop.payment.services import close_open_attempts, settle

log = logging.getLogger(__name__)

MOST = 100
METHODS = select(Order.payment_method).where(Order.state == OrderState.OPEN, Order.payment_state == PaymentState.UNPAID).distinct()
_tried_since = select(Payment.id).where(Payment.order_id == Order.id, Payment.created_at > bindparam("before"))
OVERDUE = (
    select(Order.id)
    .where(
        Order.state == OrderState.OPEN,
        Order.payment_state == PaymentState.UNPAID,
        Order.payment_method == bindparam("method"),
        Order.placed_at <= bindparam("before"),
        ~_tried_since.exists(),
    )
    .order_by(Order.placed_at, Order.id)
    .limit(bindparam("most"))
)


def time_to_pay(method: str) -> timedelta:
    """How long an order waits for its money, from its last attempt on. What a person must look for has days, and what is no longer offered."""
    config = current_app.extensions["config"]
    gateway = gateways().get(method)
    if gateway is not None and gateway.is_remote:
        return timedelta(minutes=config.card_minutes)
    return timedelta(days=config.transfer_days)


def list_overdue(method: str, *, at: datetime, most: int = MOST) -> Sequence[Row[Any]]:
    """Unpaid orders of a way to pay whose time is over, the oldest first."""
    return rows(OVERDUE, method=method, before=at - time_to_pay(method), most=most)


def expire_unpaid(at: datetime) -> int:
    """End the orders whose time is over; gives how many ended. One that fails does not stop the others."""
    ended = 0
    for unpaid in rows(METHODS):  # also by ways to pay that are no longer offered
        for order in list_overdue(unpaid.payment_method, at=at):
            try:
                ended += end_if_unpaid(order.id, at=at)
            except Exception:
                log.exception("order %s could not expire", order.id)
    return ended


def end_if_unpaid(order_id: int, *, at: datetime) -> bool:
    """Look up, close, then end the order; False when it is paid after all, or nobody can say for sure now."""
    if any(may_be_in_flight(attempt, at) for attempt in list_attempts(order_id)):
        return False
    for attempt in list_attempts(order_id):
        if attempt.state in LIVE:
            settle(attempt.id, at=at)
    if any(attempt.state in {State.CAPTURED, State.UNKNOWN} for attempt in list_attempts(order_id)):
        return False
    close_open_attempts(order_id, at=at)
    with transaction():
        claim_order(order_id)
        if any(attempt.state in {*LIVE, State.CAPTURED} and not _is_cut_off(attempt) for attempt in list_attempts(order_id)):
            return False  # paid while we closed it, or the customer has just begun again
        return expire_order(order_id, at=at)


def may_be_in_flight(attempt: Row[Any], at: datetime) -> bool:
    """Was the gateway asked so lately that its answer may still be under way?"""
    return attempt.state in LIVE and attempt.attempted_at is not None and attempt.attempted_at > at - margin()


def _is_cut_off(attempt: Row[Any]) -> bool:
    """Does it wait for a customer whom this shop no longer leads to that gateway? Offered again, its sweep closes it there."""
    return attempt.state is State.PENDING and attempt.gateway not in gateways()
