"""The verbs on payments. Paying is three steps: record the attempt (commit), call the gateway, record the outcome (commit).

Rows are locked in one order: order, payment, stock. Whatever brings the truth (the customer coming back, a sweep, later a webhook) takes the same
third step, ``_record``, which has one effect however often it is called. Unknown is not failed: nobody charges again until the gateway has answered.
"""

from __future__ import annotations

import logging
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, cast

from flask_babel import gettext as _
from sqlalchemy import Row, Table, bindparam, insert, update

from shop.db import connection, row, transaction
from shop.errors import IllegalMove, NotFound
from shop.order.links import order_key
from shop.order.models import OrderState, PaymentState
from shop.order.services import change_payment_method, claim_order, record_entry, record_payment_state
from shop.order.states import MONEY, check_move, word
from shop.outbox.services import record_event
from shop.payment.gateways.base import Answer, Asked, NoAnswer, Truth
from shop.payment.models import Payment, State
from shop.payment.queries import LIVE, find_live_attempt, gateways, get_attempt, get_gateway, list_attempts, list_waiting
from shop.web.locale import path_in

log = logging.getLogger(__name__)

MARGIN = timedelta(minutes=2)  # longer than any gateway's time limit: a younger attempt may still be in flight
PATIENCE = timedelta(minutes=15)  # a customer may take so long on the gateway's page before we ask
EXPIRY = timedelta(days=1)
STATES = {
    Truth.WAITING: State.PENDING,
    Truth.AUTHORIZED: State.AUTHORIZED,
    Truth.CAPTURED: State.CAPTURED,
    Truth.DECLINED: State.FAILED,
    Truth.VOIDED: State.VOIDED,
    Truth.UNHEARD: State.FAILED,
}
ENDED = {State.FAILED, State.VOIDED}
payments = cast("Table", Payment.__table__)
CLAIM = (
    update(payments)
    .where(payments.c.id == bindparam("payment_id"))
    .values(version=payments.c.version + 1)
    .returning(payments.c.id, payments.c.state, payments.c.reference, payments.c.currency, payments.c.amount_minor)
)


INSERT = insert(payments).returning(payments.c.id)


@dataclass(frozen=True, slots=True)
class Step:
    """What comes next: the gateway's page, or None; and how the payment stands."""

    url: str | None
    state: State


def record_attempt(order_id: int, *, gateway: str, amount_minor: int, currency: str, at: datetime) -> int:
    """The first step: write down that we are going to ask ``gateway``, under a key of our own. Inside the caller's transaction; gives its id."""
    values = {
        "order_id": order_id,
        "gateway": gateway,
        "key": secrets.token_urlsafe(24),
        "state": State.ATTEMPTING if get_gateway(gateway).is_remote else State.PENDING,
        "currency": currency,
        "amount_minor": amount_minor,
        "created_at": at,
        "attempted_at": at,
    }
    with transaction():
        return int(connection().execute(INSERT, values).scalar_one())


def start_payment(order_id: int, *, gateway: str, at: datetime) -> Step:
    """Have the customer pay the order by ``gateway``; says where to go. Called again, it goes on where it stands.

    Raises:
        IllegalMove: the order is canceled.
        Invalid: this shop does not offer that gateway.
    """
    get_gateway(gateway)
    live = find_live_attempt(order_id)
    if live is not None and live.order_state is OrderState.CANCELED:
        raise _canceled(live.order_state)
    if live is not None and live.gateway != gateway and live.state is not State.UNKNOWN:
        _close(live, at=at)
        live = find_live_attempt(order_id)
    if live is None:
        ended = _attempt_again(order_id, gateway, at=at)
        if ended is not None:
            return ended
        live = find_live_attempt(order_id)
    if live is None:
        return Step(None, State.FAILED)
    if live.state in {State.PENDING, State.ATTEMPTING} and get_gateway(live.gateway).is_remote:
        return _call(live, at=at)
    return Step(None, live.state)


def settle_payment(payment_id: int, *, at: datetime) -> State:
    """Ask the gateway how the attempt stands and record it; gives the state. What ended stays as it is; what nobody can be asked about too."""
    attempt = get_attempt(payment_id)
    gateway = gateways().get(attempt.gateway)
    if attempt.state not in LIVE or attempt.settled_at is not None or gateway is None or not gateway.is_remote:
        return cast("State", attempt.state)
    try:
        answer = gateway.look_up(attempt.key, at=at)
        if answer.truth is Truth.AUTHORIZED:
            answer = gateway.capture(attempt.key, at=at)
    except NoAnswer:
        return _record_unknown(attempt, at=at)
    return _record(attempt, answer, at=at)


def settle_order(order_id: int, *, at: datetime) -> None:
    """Settle every attempt of an order that is still open: the customer has come back from a gateway."""
    for attempt in list_attempts(order_id):
        if attempt.state in LIVE:
            settle_payment(attempt.id, at=at)


def record_bank_payment(order_id: int, *, by: str, at: datetime) -> None:
    """Staff saw the money on the account. A card attempt that is still open is closed; should it be paid after all, that money goes back.

    Raises:
        IllegalMove: the order is paid already.
    """
    with transaction() as session:
        order = claim_order(order_id)
        check_move(MONEY, order.payment_state, PaymentState.PAID)
        live = next((found for found in list_attempts(order_id) if found.gateway == "bank_transfer" and found.state in LIVE), None)
        if live is None:
            payment_id = record_attempt(order_id, gateway="bank_transfer", amount_minor=order.total_minor, currency=order.currency, at=at)
        else:
            payment_id = live.id
        session.execute(
            update(payments)
            .where(payments.c.id == payment_id)
            .values(state=State.CAPTURED, captured_minor=payments.c.amount_minor, settled_at=at, version=payments.c.version + 1)
        )
        _tell_paid(order, payment_id, by=by, at=at)
    close_open_attempts(order_id, at=at)


def close_open_attempts(order_id: int, *, at: datetime) -> None:
    """Nobody is to pay this order any more: close what is open at the gateways. What was paid meanwhile is recorded, and goes back."""
    for attempt in list_attempts(order_id):
        if attempt.state in LIVE:
            _close(attempt, at=at)


def sweep_payments(at: datetime) -> int:
    """Look after attempts that nobody came back from: ask, record, close what is a day old. Leaves alone what may still be in flight.

    One that fails does not stop the others. Gives how many were looked after.
    """
    seen = 0
    for waiting in list_waiting(at - MARGIN):
        if waiting.state is State.PENDING and waiting.attempted_at > at - PATIENCE:
            continue
        seen += 1
        try:
            state = settle_payment(waiting.id, at=at)
            if state in {State.PENDING, State.AUTHORIZED} and waiting.attempted_at <= at - EXPIRY:
                _close(get_attempt(waiting.id), at=at)
        except Exception:
            log.exception("payment %s could not be settled", waiting.id)
    return seen


def _attempt_again(order_id: int, gateway: str, *, at: datetime) -> Step | None:
    """A new attempt, unless the order is paid or being paid meanwhile: then what comes of that."""
    with transaction():
        order = claim_order(order_id)
        if order.payment_state is not PaymentState.UNPAID:
            return Step(None, State.UNKNOWN if order.payment_state is PaymentState.CHECKING else State.CAPTURED)
        if order.state is OrderState.CANCELED:
            raise _canceled(order.state)
        if find_live_attempt(order_id) is None:
            record_attempt(order_id, gateway=gateway, amount_minor=order.total_minor, currency=order.currency, at=at)
            if order.payment_method != gateway:
                change_payment_method(order_id, gateway)
    return None


def _call(attempt: Row[Any], *, at: datetime) -> Step:
    """The second step: open the attempt at the gateway, or find it open; then the third."""
    asked = Asked(
        key=attempt.key,
        number=attempt.number,
        amount_minor=attempt.amount_minor,
        currency=attempt.currency,
        locale=attempt.locale,
        return_url=path_in(attempt.locale, f"/orders/{attempt.number}/payments/return?key={order_key(attempt.number)}"),
    )
    try:
        answer = get_gateway(attempt.gateway).start(asked, at=at)
    except NoAnswer:
        return Step(None, _record_unknown(attempt, at=at))
    return Step(answer.url, _record(attempt, answer, at=at))


def _close(attempt: Row[Any], *, at: datetime) -> State:
    gateway = gateways().get(attempt.gateway)
    if gateway is None:
        return cast("State", attempt.state)
    try:
        answer = gateway.void(attempt.key, at=at)
    except NoAnswer:
        return _record_unknown(attempt, at=at)
    return _record(attempt, answer, at=at)


def _record(attempt: Row[Any], answer: Answer, *, at: datetime) -> State:
    """The third step: write down what the gateway says. Money that came in is never forgotten; what ended comes back only as money."""
    to = STATES[answer.truth]
    with transaction():
        order = claim_order(attempt.order_id)
        known = _claim(attempt.id)
        if known.state is State.CAPTURED or known.state is to or (known.state in ENDED and to is not State.CAPTURED):
            return cast("State", known.state)
        reference = known.reference or answer.reference
        if to is State.CAPTURED:
            return _record_captured(order, known, answer, reference, at=at)
        ended_at = at if to in ENDED else None
        reason = "" if to is State.VOIDED else answer.reason
        _set(known.id, state=to, reference=reference, error=reason, settled_at=ended_at)
        _tell_unpaid(order, known.id, reason, at=at)
        return to


def _record_captured(order: Row[Any], known: Row[Any], answer: Answer, reference: str | None, *, at: datetime) -> State:
    if (answer.amount_minor, answer.currency) != (known.amount_minor, known.currency):
        error = f"the gateway took {answer.amount_minor} {answer.currency} instead of {known.amount_minor} {known.currency}"
        _set(known.id, state=State.UNKNOWN, reference=reference, error=error, settled_at=at)
        record_entry(order.id, "payment_mismatch", by="shop", note=error, at=at)
        if order.payment_state is PaymentState.UNPAID:
            record_payment_state(order.id, PaymentState.CHECKING, by="shop", at=at)
        return State.UNKNOWN
    _set(known.id, state=State.CAPTURED, reference=reference, error="", captured_minor=known.amount_minor, settled_at=at)
    _tell_paid(order, known.id, by="customer", at=at)
    return State.CAPTURED


def _tell_paid(order: Row[Any], payment_id: int, *, by: str, at: datetime) -> None:
    """The order is paid now. If it was paid before, or is canceled, the money is too much and goes back."""
    if order.payment_state in {PaymentState.UNPAID, PaymentState.CHECKING}:
        record_payment_state(order.id, PaymentState.PAID, by=by, at=at)
        is_due_back = order.state is OrderState.CANCELED
    else:
        record_entry(order.id, "paid_twice", by=by, at=at)
        is_due_back = True
    if is_due_back:
        record_event("payment.refund_due", f"order:{order.id}", {"order_id": order.id, "payment_id": payment_id}, at=at)


def _tell_unpaid(order: Row[Any], payment_id: int, reason: str, *, at: datetime) -> None:
    """Nothing came, as we know now. The order waits for another attempt, unless one of them is still being checked."""
    others = [found for found in list_attempts(order.id) if found.id != payment_id and found.state is State.UNKNOWN]
    if order.payment_state is PaymentState.CHECKING and not others:
        record_payment_state(order.id, PaymentState.UNPAID, by="shop", note=reason, at=at)
    elif reason:
        record_entry(order.id, "payment_failed", by="shop", note=reason, at=at)


def _record_unknown(attempt: Row[Any], *, at: datetime) -> State:
    """No answer: it may be paid or not. The customer reads that we check; the sweep asks again."""
    with transaction():
        order = claim_order(attempt.order_id)
        known = _claim(attempt.id)
        if known.state not in LIVE or known.state is State.UNKNOWN:
            return cast("State", known.state)
        _set(known.id, state=State.UNKNOWN, attempted_at=at)
        if order.payment_state is PaymentState.UNPAID:
            record_payment_state(order.id, PaymentState.CHECKING, by="shop", at=at)
        return State.UNKNOWN


def _canceled(state: OrderState) -> IllegalMove:
    return IllegalMove(_("The order is %(state)s. Nothing changes that.", state=word(state)), state=state.value, legal=[])


def _claim(payment_id: int) -> Row[Any]:
    found = row(CLAIM, payment_id=payment_id)
    if found is None:
        raise NotFound(_("There is no such payment."))
    return found


def _set(payment_id: int, **values: Any) -> None:
    with transaction() as session:
        session.execute(update(payments).where(payments.c.id == payment_id).values(**values))
