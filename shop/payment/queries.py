"""Reading payments: what one attempt is about, what an order's page says of them, what waits too long."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from flask import Flask, current_app
from flask_babel import gettext as _
from sqlalchemy import Row, bindparam, select

from shop.db import row, rows
from shop.errors import Invalid, NotFound
from shop.order.links import order_key
from shop.order.models import Order, PaymentState
from shop.payment.gateways.base import Gateway
from shop.payment.models import Payment, Refund, State
from shop.web.locale import path_in

LIVE = (State.PENDING, State.ATTEMPTING, State.UNKNOWN, State.AUTHORIZED)
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
        Refund.id, Refund.payment_id, Refund.amount_minor, Refund.state, Refund.reason, Refund.actor, Refund.created_at, Payment.currency
    )
    .join(Payment, Payment.id == Refund.payment_id)
    .where(Payment.order_id == bindparam("order_id"))
    .order_by(Refund.id)
)
WAITING_LONG = (
    select(Payment.id, Payment.state, Payment.attempted_at)
    .where(
        Payment.state.in_(LIVE),
        Payment.gateway.in_(bindparam("gateways", expanding=True)),
        Payment.attempted_at <= bindparam("before"),
        Payment.settled_at.is_(None),
    )
    .order_by(Payment.attempted_at)
    .limit(bindparam("most"))
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


def init_gateways(app: Flask) -> None:
    """Make the gateways that the settings name."""
    from shop.payment.gateways.manual import BankTransfer
    from shop.payment.gateways.test_card import TestBank, TestCard

    config = app.extensions["config"]
    makers: dict[str, Callable[[], Gateway]] = {
        "bank_transfer": lambda: BankTransfer(config.bank_account),
        "test_card": lambda: TestCard(TestBank(config.instance / "test-bank.db")),
    }
    app.extensions["gateways"] = {code: makers[code]() for code in config.payment_methods}
