"""The third step of paying: write down what a gateway says, with one effect however often, in whatever order and from wherever it comes.

Rows are locked in one order: order, payment, stock. Money that came in is never forgotten; a state that was reached is never left for an earlier one.
This is the one place that knows when money came (``_take``); when it went back, ``refunds`` does.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, cast

from flask_babel import gettext as _
from sqlalchemy import Row, Table, bindparam, update

from shop.db import after_commit, row, transaction
from shop.errors import NotFound
from shop.observe import count, tell
from shop.observe.figures import PAYMENTS
from shop.order.expiry import accept_late_payment
from shop.order.models import OrderState, PaymentState
from shop.order.services import claim_order, record_entry, record_payment_state
from shop.outbox.services import record_event
from shop.payment.gateways.base import Answer, Truth
from shop.payment.ledger import post_capture
from shop.payment.models import Payment, State
from shop.payment.queries import ENDED, LIVE, list_attempts

STATES = {
    Truth.WAITING: State.PENDING,
    Truth.AUTHORIZED: State.AUTHORIZED,
    Truth.CAPTURED: State.CAPTURED,
    Truth.DECLINED: State.FAILED,
    Truth.VOIDED: State.VOIDED,
    Truth.UNHEARD: State.FAILED,
}
NOT_YET = {PaymentState.UNPAID, PaymentState.CHECKING, PaymentState.AUTHORIZED}
payments = cast("Table", Payment.__table__)
CLAIM = (
    update(payments)
    .where(payments.c.id == bindparam("payment_id"))
    .values(version=payments.c.version + 1)
    .returning(
        payments.c.id,
        payments.c.gateway,
        payments.c.state,
        payments.c.reference,
        payments.c.currency,
        payments.c.amount_minor,
        payments.c.captured_minor,
        payments.c.settled_at,
    )
)


class Did(StrEnum):
    """What settling did, for whoever must say it: the page never says "paid" by itself."""

    NOTHING = "nothing"
    PAID = "paid"
    AUTHORIZED = "authorized"
    UNPAID = "unpaid"
    CHECKING = "checking"
    MISMATCH = "mismatch"
    TWICE = "twice"  # the order was paid before: this money goes back
    REOPENED = "reopened"  # it came late, the goods were taken again
    SILENT = "silent"  # the gateway did not answer, and nothing depends on it
    SENT_BACK = "sent_back"  # it came late, the money goes back


@dataclass(frozen=True, slots=True)
class Settled:
    """How the attempt stands now, and what was done just now."""

    state: State
    did: Did = Did.NOTHING


def record_answer(attempt: Row[Any], answer: Answer, *, by: str = "", at: datetime) -> Settled:
    """Write down what the gateway says; ``by`` is who of the staff had it done. What ended comes back only as money."""
    to = STATES[answer.truth]
    with transaction():
        settled = _record_answer(attempt, answer, to, by=by, at=at)
        return _told(attempt.gateway, settled)


def _record_answer(attempt: Row[Any], answer: Answer, to: State, *, by: str, at: datetime) -> Settled:
    with transaction():
        order = claim_order(attempt.order_id)
        known = claim_payment(attempt.id)
        if known.state is State.CAPTURED or known.state is to or (known.state in ENDED and to is not State.CAPTURED):
            return Settled(known.state)
        reference = known.reference or answer.reference
        if to in {State.CAPTURED, State.AUTHORIZED}:
            if (answer.amount_minor, answer.currency) != (known.amount_minor, known.currency):
                return _record_mismatch(order, known, answer, reference, at=at)
            return _record_good(order, known, to, reference, by=by or "customer", at=at)
        reason = "" if to is State.VOIDED else answer.reason
        set_payment(known.id, state=to, reference=reference, error=reason, settled_at=at if to in ENDED else None)
        _tell_unpaid(order, known, reason, by=by or "shop", at=at)
        return Settled(to, Did.UNPAID if to in ENDED else Did.NOTHING)


def record_unknown(attempt: Row[Any], *, at: datetime) -> Settled:
    """No answer: it may be paid or not. The customer reads that we check; the sweep asks again."""
    with transaction():
        order = claim_order(attempt.order_id)
        known = claim_payment(attempt.id)
        if known.state not in LIVE or known.settled_at is not None:
            return Settled(known.state)
        if known.state is State.AUTHORIZED:  # the money is promised; only its capture is in doubt
            set_payment(known.id, attempted_at=at)
            return Settled(known.state)
        set_payment(known.id, state=State.UNKNOWN, attempted_at=at)
        if order.payment_state is PaymentState.UNPAID:
            record_payment_state(order.id, PaymentState.CHECKING, by="shop", at=at)
        return _told(known.gateway, Settled(State.UNKNOWN, Did.CHECKING))


def record_bank_money(order: Row[Any], payment_id: int, *, by: str, at: datetime) -> Settled:
    """A transfer is on the account; the order is claimed by the caller."""
    known = claim_payment(payment_id)
    return _told(known.gateway, _record_good(order, known, State.CAPTURED, None, by=by, at=at))


def _told(gateway: str, settled: Settled) -> Settled:
    """Tell what settling did, once that is committed."""
    if settled.did is not Did.NOTHING:
        after_commit(lambda: count(PAYMENTS, gateway, settled.did))
        after_commit(lambda: tell(f"payment {settled.did}", gateway=gateway))
    return settled


def claim_payment(payment_id: int) -> Row[Any]:
    """Hold the attempt's row until the transaction ends; the order's is held already.

    Raises:
        NotFound: there is none.
    """
    found = row(CLAIM, payment_id=payment_id)
    if found is None:
        raise NotFound(_("There is no such payment."))
    return found


def set_payment(payment_id: int, **values: Any) -> None:
    with transaction() as session:
        session.execute(update(payments).where(payments.c.id == payment_id).values(**values))


def _record_good(order: Row[Any], known: Row[Any], to: State, reference: str | None, *, by: str, at: datetime) -> Settled:
    if to is State.AUTHORIZED:
        set_payment(known.id, state=to, reference=reference, error="")
        if order.payment_state in {PaymentState.UNPAID, PaymentState.CHECKING} and order.state is not OrderState.CANCELED:
            record_payment_state(order.id, PaymentState.AUTHORIZED, by=by, at=at)
        return Settled(to, Did.AUTHORIZED)
    set_payment(known.id, state=to, reference=reference, error="", captured_minor=known.amount_minor, settled_at=at)
    post_capture(order.id, known.id, known.amount_minor, currency=known.currency, gateway=known.gateway, by=by, at=at)
    return Settled(to, _take(order, known, by=by, at=at))


def _take(order: Row[Any], known: Row[Any], *, by: str, at: datetime) -> Did:
    """The money is here. What was paid before, or ended for good, is not to be paid again: that money goes back by itself."""
    if order.payment_state not in NOT_YET:
        record_entry(order.id, "paid_twice", by=by, at=at)
        did = Did.TWICE
    else:
        is_late = order.state is OrderState.CANCELED
        goes_on = is_late and accept_late_payment(order, by=by, at=at)
        record_payment_state(order.id, PaymentState.PAID, by=by, at=at)
        did = Did.REOPENED if goes_on else Did.SENT_BACK if is_late else Did.PAID
    if did in {Did.TWICE, Did.SENT_BACK}:
        record_event("payment.refund_due", f"order:{order.id}", {"order_id": order.id, "payment_id": known.id}, at=at)
    return did


def _record_mismatch(order: Row[Any], known: Row[Any], answer: Answer, reference: str | None, *, at: datetime) -> Settled:
    """Another amount or currency than asked is not paid; a person must look."""
    if known.state is State.UNKNOWN and known.settled_at is not None:
        return Settled(State.UNKNOWN)
    error = f"the gateway took {answer.amount_minor} {answer.currency} instead of {known.amount_minor} {known.currency}"
    set_payment(known.id, state=State.UNKNOWN, reference=reference, error=error, settled_at=at)
    record_entry(order.id, "payment_mismatch", by="shop", note=error, at=at)
    if order.payment_state is PaymentState.UNPAID:
        record_payment_state(order.id, PaymentState.CHECKING, by="shop", at=at)
    return Settled(State.UNKNOWN, Did.MISMATCH)


def _tell_unpaid(order: Row[Any], known: Row[Any], reason: str, *, by: str, at: datetime) -> None:
    """Nothing came, as we know now. The order waits for another attempt, unless one of them is still being checked, or promised."""
    others = {found.state for found in list_attempts(order.id) if found.id != known.id}
    if order.payment_state is PaymentState.AUTHORIZED and State.AUTHORIZED in others:
        return
    if order.payment_state in {PaymentState.CHECKING, PaymentState.AUTHORIZED} and State.UNKNOWN not in others:
        record_payment_state(order.id, PaymentState.UNPAID, by=by, note=reason, at=at)
    elif reason:
        record_entry(order.id, "payment_failed", by="shop", note=reason, at=at)
