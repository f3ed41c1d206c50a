"""Reading payments: what one attempt is about, what an order's page says of them, what waits too long."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from flask import current_app
from flask_babel import gettext as _
from sqlalchemy import Row, bindparam, func, select

from shop.db import row, rows
from shop.errors import Invalid, NotFound
from shop.order.links import order_key
from shop.order.models import Order, PaymentState
from shop.payment.asking import asked_of
from shop.payment.gateways.base import Gateway, Page
from shop.payment.models import Dispute, GatewayMessage, MessageState, Payment, Refund, State
from shop.web.locale import path_in

LIVE = frozenset({State.PENDING, State.ATTEMPTING, State.UNKNOWN, State.AUTHORIZED})
ENDED = frozenset({State.FAILED, State.VOIDED})
_attempt = select(
    Payment.id,
    Payment.order_id,
    Payment.gateway,
    Payment.key,
    Payment.reference,
    Payment.state,
    Payment.currency,
    Payment.amount_minor,
    Payment.captured_minor,
    Payment.refunded_minor,
    Payment.error,
    Payment.created_at,
    Payment.attempted_at,
    Payment.settled_at,
    Order.number,
    Order.locale,
    Order.state.label("order_state"),
).join(Order, Order.id == Payment.order_id)
BY_ID = _attempt.where(Payment.id == bindparam("payment_id"))
OF_ORDER = _attempt.where(Payment.order_id == bindparam("order_id")).order_by(Payment.id)
REFUNDS = (
    select(
        Refund.id,
        Refund.payment_id,
        Refund.amount_minor,
        Refund.state,
        Refund.reason,
        Refund.error,
        Refund.actor,
        Refund.created_at,
        Payment.currency,
    )
    .join(Payment, Payment.id == Refund.payment_id)
    .where(Payment.order_id == bindparam("order_id"))
    .order_by(Refund.id)
)
WAITING_LONG = (
    select(Payment.id, Payment.state, func.coalesce(Payment.looked_at, Payment.attempted_at).label("seen_at"), Payment.created_at)
    .where(
        Payment.state.in_(sorted(LIVE)),
        Payment.gateway.in_(bindparam("gateways", expanding=True)),
        Payment.attempted_at <= bindparam("before"),
        Payment.settled_at.is_(None),
    )
    .order_by(func.coalesce(Payment.looked_at, Payment.attempted_at))
    .limit(bindparam("most"))
)
BY_KEY = _attempt.where(Payment.key == bindparam("key"), Payment.gateway == bindparam("gateway"))
BY_REFERENCE = _attempt.where(Payment.reference == bindparam("reference"), Payment.gateway == bindparam("gateway"))
REFUNDS_WAITING = (
    select(Refund.id)
    .join(Payment, Payment.id == Refund.payment_id)
    .where(
        Refund.state.in_([State.ATTEMPTING, State.UNKNOWN]),
        Payment.gateway.in_(bindparam("gateways", expanding=True)),
        Refund.attempted_at <= bindparam("before"),
    )
    .order_by(Refund.attempted_at)
    .limit(bindparam("most"))
)
MESSAGES_OPEN = (
    select(GatewayMessage.id, GatewayMessage.payment_id, GatewayMessage.tries)
    .where(GatewayMessage.state == MessageState.RECEIVED, GatewayMessage.due_at <= bindparam("at"))
    .order_by(GatewayMessage.due_at, GatewayMessage.id)
    .limit(bindparam("most"))
)
DISPUTES = (
    select(Dispute.__table__)
    .join(Payment, Payment.id == Dispute.payment_id)
    .where(Payment.order_id == bindparam("order_id"))
    .order_by(Dispute.id)
)


@dataclass(frozen=True, slots=True)
class OrderPayment:
    """What the page of an order says about paying it. ``last`` is the newest attempt, ``methods`` what can be chosen to pay now."""

    last: Row[Any] | None
    methods: Mapping[str, Gateway]
    bank_account: str
    refunds: Sequence[Row[Any]]

    @property
    def is_by_bank(self) -> bool:
        return self.last is not None and self.last.gateway == "bank_transfer"

    @property
    def has_failed(self) -> bool:
        return self.last is not None and self.last.state is State.FAILED


def gateways() -> Mapping[str, Gateway]:
    """The ways to pay that this shop offers, by code, in the order of the settings."""
    offered: Mapping[str, Gateway] = current_app.extensions["gateways"]
    return offered


def get_gateway(code: str) -> Gateway:
    """The gateway of that code.

    Raises:
        Invalid: this shop does not offer it.
    """
    found = gateways().get(code)
    if found is None:
        raise Invalid({"/payment_method": [_("Choose one of the ways to pay.")]})
    return found


def get_attempt(payment_id: int) -> Row[Any]:
    """One attempt with the number and language of its order.

    Raises:
        NotFound: there is none.
    """
    found = row(BY_ID, payment_id=payment_id)
    if found is None:
        raise NotFound(_("There is no such payment."))
    return found


def list_attempts(order_id: int) -> Sequence[Row[Any]]:
    """All attempts to pay an order, oldest first."""
    return rows(OF_ORDER, order_id=order_id)


def find_live_attempt(order_id: int) -> Row[Any] | None:
    """The attempt that may still become a payment."""
    return next((attempt for attempt in reversed(list_attempts(order_id)) if attempt.state in LIVE), None)


def list_refunds(order_id: int) -> Sequence[Row[Any]]:
    return rows(REFUNDS, order_id=order_id)


def list_waiting(before: datetime, *, most: int = 100) -> Sequence[Row[Any]]:
    """Attempts at gateways that can be asked, begun before that moment and not settled."""
    codes = [code for code, gateway in gateways().items() if gateway.is_remote]
    return rows(WAITING_LONG, gateways=codes, before=before, most=most)


def order_payment(order: Any) -> OrderPayment:
    """For the template of an order's page."""
    attempts = list_attempts(order.id)
    was_paid = order.payment_state not in {PaymentState.UNPAID, PaymentState.CHECKING}
    config = current_app.extensions["config"]
    return OrderPayment(attempts[-1] if attempts else None, gateways(), config.bank_account, list_refunds(order.id) if was_paid else ())


def pay_url(order: Any) -> str | None:
    """Where the customer can pay this order by themselves: its page, while that waits for a payment at a gateway."""
    gateway = gateways().get(order.payment_method)
    can_pay = order.can_be_paid and gateway is not None and gateway.is_remote
    return path_in(order.locale, f"/orders/{order.number}?key={order_key(order.number)}") if can_pay else None


def find_attempt(*, key: str = "", gateway: str = "", reference: str = "") -> Row[Any] | None:
    """The attempt of that key, or the one that the gateway calls so."""
    if key:
        return row(BY_KEY, key=key, gateway=gateway)
    return row(BY_REFERENCE, reference=reference, gateway=gateway) if reference else None


def list_waiting_refunds(before: datetime, *, most: int = 100) -> Sequence[Row[Any]]:
    """Refunds that a gateway was asked for before that moment, and of which nobody knows yet."""
    codes = [code for code, gateway in gateways().items() if gateway.is_remote]
    return rows(REFUNDS_WAITING, gateways=codes, before=before, most=most)


def list_open_messages(at: datetime, *, most: int = 100) -> Sequence[Row[Any]]:
    """Messages that nobody has acted on and whose next try is due: whoever took them was stopped, or their gateway was silent."""
    return rows(MESSAGES_OPEN, at=at, most=most)


def list_disputes(order_id: int) -> Sequence[Row[Any]]:
    """What the customer's bank contests of an order's payments."""
    return rows(DISPUTES, order_id=order_id)


def find_page(order_id: int, *, at: datetime) -> Page | None:
    """The gateway's fields for the open attempt of an order, where it has them on a page of ours."""
    attempt = find_live_attempt(order_id)
    gateway = gateways().get(attempt.gateway) if attempt is not None else None
    if attempt is None or gateway is None or attempt.state is not State.PENDING:
        return None
    return gateway.find_page(asked_of(attempt), at=at)
