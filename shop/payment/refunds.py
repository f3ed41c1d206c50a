"""Giving money back: once per cause, never more than came in, and by the gateway that took it.

The amount is set aside on the payment first (commit), then the gateway is asked under the refund's own key, then the outcome is written down. What
no gateway can do by itself (a bank transfer) stays pending until staff says that it was sent.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any, cast

from flask_babel import gettext as _
from sqlalchemy import Row, Table, bindparam, func, select, update

from shop.db import insert_missing, row, scalar, transaction
from shop.errors import IllegalMove, NotFound
from shop.money import Money, format_money
from shop.order.models import Order, OrderState, PaymentState
from shop.order.services import claim_order, record_entry, record_payment_state
from shop.payment.gateways.base import Truth
from shop.payment.models import Payment, Refund, State
from shop.payment.queries import get_attempt, get_gateway
from shop.web.locale import current_locale

payments, refunds = cast("Table", Payment.__table__), cast("Table", Refund.__table__)
REST = select((Payment.captured_minor - Payment.refunded_minor).label("minor")).where(Payment.id == bindparam("payment_id"))
SET_ASIDE = (
    update(payments)
    .where(payments.c.id == bindparam("payment_id"), payments.c.refunded_minor + bindparam("rest") == payments.c.captured_minor)
    .values(refunded_minor=payments.c.captured_minor, version=payments.c.version + 1)
)
BY_KEY = select(Refund.id, Refund.payment_id, Refund.key, Refund.amount_minor, Refund.state).where(Refund.key == bindparam("key"))
CAME_IN = select(func.coalesce(func.sum(Payment.captured_minor), 0)).where(Payment.order_id == bindparam("order_id"))
WENT_BACK = (
    select(func.coalesce(func.sum(Refund.amount_minor), 0))
    .join(Payment, Payment.id == Refund.payment_id)
    .where(Payment.order_id == bindparam("order_id"), Refund.state == State.CAPTURED)
)


def refund_rest(payment_id: int, *, reason: str, by: str, at: datetime) -> None:
    """Give back all that is left of a payment. Called again, it goes on where it stopped.

    Raises:
        NoAnswer: nobody knows whether the gateway did it; call again.
    """
    attempt = get_attempt(payment_id)
    refund = _record_attempt(attempt, reason=reason, by=by, at=at)
    if refund is None or refund.state is not State.ATTEMPTING:
        return
    answer = get_gateway(attempt.gateway).refund(attempt.key, refund.amount_minor, refund_key=refund.key, at=at)
    if answer.truth is Truth.CAPTURED:
        _record_done(refund.id, reference=answer.reference, by=by, at=at)
    else:
        _record_waiting(refund.id, at=at)


def record_bank_refund(refund_id: int, *, by: str, at: datetime) -> None:
    """Staff sent the money back by hand.

    Raises:
        NotFound: there is no such refund.
        IllegalMove: it was done before.
    """
    refund = row(select(Refund.id, Refund.state).where(Refund.id == refund_id))
    if refund is None:
        raise NotFound(_("There is no such refund."))
    if refund.state is not State.PENDING:
        raise IllegalMove(_("This refund was made before."), state=refund.state.value, legal=[])
    _record_done(refund_id, reference=None, by=by, at=at)


def _record_attempt(attempt: Row[Any], *, reason: str, by: str, at: datetime) -> Row[Any] | None:
    """Set the rest of the payment aside and write the refund, once per payment; None when nothing is left to give back."""
    key = f"{attempt.key}:rest"
    with transaction() as session:
        claim_order(attempt.order_id)
        rest = scalar(REST, payment_id=attempt.id)
        if rest and session.connection().execute(SET_ASIDE, {"payment_id": attempt.id, "rest": rest}).rowcount == 1:
            values = {"payment_id": attempt.id, "key": key, "amount_minor": rest, "state": State.ATTEMPTING}
            insert_missing(Refund, {**values, "reason": reason, "actor": by, "created_at": at})
        return row(BY_KEY, key=key)


def _record_done(refund_id: int, *, reference: str | None, by: str, at: datetime) -> None:
    with transaction() as session:
        about = _about(refund_id)
        order = claim_order(about.order_id)
        done = session.execute(
            update(refunds)
            .where(refunds.c.id == refund_id, refunds.c.state != State.CAPTURED)
            .values(state=State.CAPTURED, reference=reference)
        )
        if done.rowcount == 0:  # type: ignore[attr-defined]
            return
        kept = int(scalar(CAME_IN, order_id=order.id) or 0) - int(scalar(WENT_BACK, order_id=order.id) or 0)
        note = _amount(about)
        if kept >= order.total_minor and order.state is not OrderState.CANCELED:
            record_entry(order.id, "surplus_refunded", by=by, note=note, at=at)
        else:
            to = PaymentState.PARTLY_REFUNDED if kept > 0 else PaymentState.REFUNDED
            record_payment_state(order.id, to, by=by, note=note, at=at)


def _record_waiting(refund_id: int, *, at: datetime) -> None:
    """A person must send it: the order's timeline and the staff's list say so."""
    with transaction() as session:
        about = _about(refund_id)
        claim_order(about.order_id)
        session.execute(update(refunds).where(refunds.c.id == refund_id).values(state=State.PENDING))
        record_entry(about.order_id, "refund_noted", by="shop", note=_amount(about), at=at)


def _about(refund_id: int) -> Row[Any]:
    found = row(
        select(Refund.amount_minor, Payment.currency, Payment.order_id, Order.locale)
        .join(Payment, Payment.id == Refund.payment_id)
        .join(Order, Order.id == Payment.order_id)
        .where(Refund.id == refund_id)
    )
    if found is None:
        raise NotFound(_("There is no such refund."))
    return found


def _amount(about: Row[Any]) -> str:
    return format_money(Money(about.amount_minor, about.currency), current_locale())
