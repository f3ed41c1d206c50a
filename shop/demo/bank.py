"""Tells the test bank of the card payments in the demo's orders, so that staff can look them up and refund them like any other."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Row, select

from shop.db import rows
from shop.order.models import Order
from shop.payment.gateways.base import Asked, Truth
from shop.payment.gateways.test_card import TestCard
from shop.payment.models import Payment, Refund, State
from shop.payment.queries import gateways
from shop.payment.test_bank.books import TestBank

CARDS = (
    select(
        Payment.key,
        Payment.state,
        Payment.amount_minor,
        Payment.currency,
        Payment.error,
        Payment.created_at,
        Order.number,
        Order.locale,
    )
    .join(Order, Order.id == Payment.order_id)
    .where(Order.is_demo.is_(True), Payment.gateway == TestCard.code)
    .order_by(Payment.id)
)
REFUNDS = (
    select(Payment.key, Refund.key.label("refund_key"), Refund.amount_minor)
    .join(Payment, Payment.id == Refund.payment_id)
    .join(Order, Order.id == Payment.order_id)
    .where(Order.is_demo.is_(True), Payment.gateway == TestCard.code)
    .order_by(Refund.id)
)
TOOK_TOO_LITTLE = 100  # of the one payment that a person must look at


def tell_bank() -> None:
    """Open, decide and refund each of them there; the bank does each only once, so this may be repeated."""
    gateway = gateways().get(TestCard.code)
    if not isinstance(gateway, TestCard) or not isinstance(gateway.bank, TestBank):
        return
    for card in rows(CARDS):
        _charge(gateway.bank, card)
    for refund in rows(REFUNDS):
        gateway.bank.refund(refund.key, refund.amount_minor, refund.refund_key)


def _charge(bank: TestBank, card: Row[Any]) -> None:
    is_short = card.state is State.UNKNOWN
    asked = Asked(
        key=card.key,
        number=card.number,
        amount_minor=card.amount_minor - TOOK_TOO_LITTLE if is_short else card.amount_minor,
        currency=card.currency,
        locale=card.locale,
        return_url="/",
        begun_at=card.created_at,
    )
    charge = bank.open(asked, at=card.created_at)
    truth = {State.CAPTURED: Truth.CAPTURED, State.UNKNOWN: Truth.CAPTURED, State.FAILED: Truth.DECLINED}.get(card.state, Truth.VOIDED)
    bank.decide(charge.reference, truth, reason=card.error if truth is Truth.DECLINED else "", at=card.created_at)
