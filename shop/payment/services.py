"""The verbs on payments. Paying is three steps: record the attempt (commit), call the gateway, record the outcome (commit).

Whatever brings the truth (the customer coming back, a message of the gateway, a sweep, staff) calls ``settle``, which fetches it from the gateway and
takes the third step in ``recording``. Unknown is not failed: nobody charges again until the gateway has answered.
"""

from __future__ import annotations

import logging
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from flask_babel import gettext as _
from sqlalchemy import Row, insert

from shop.db import connection, transaction
from shop.errors import IllegalMove
from shop.order.models import OrderState, PaymentState
from shop.order.services import change_payment_method, claim_order
from shop.order.states import MONEY, check_move, word
from shop.payment.asking import asked_of, margin
from shop.payment.gateways.base import Answer, Gateway, NoAnswer, Refused, Truth
from shop.payment.models import State
from shop.payment.queries import (
    ENDED,
    LIVE,
    find_live_attempt,
    gateways,
    get_attempt,
    get_gateway,
    list_attempts,
    list_waiting,
)
from shop.payment.recording import Did, Settled, payments, record_answer, record_bank_money, record_unknown, set_payment
from shop.payment.refunds import record_given_back

log = logging.getLogger(__name__)

PATIENCE = timedelta(minutes=15)  # a customer may take so long on the gateway's page before we ask
EXPIRY = timedelta(days=1)
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
    if live is not None and live.gateway != gateway and live.state in {State.PENDING, State.ATTEMPTING}:
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


def settle(payment_id: int, *, anew: bool = False, at: datetime) -> Settled:
    """Ask the gateway how the attempt stands, record it, and say what that did. Of what has ended nothing is asked, unless ``anew``: then what was
    given back there is recorded as well. Where nobody can be asked, nothing happens."""
    attempt = get_attempt(payment_id)
    gateway = gateways().get(attempt.gateway)
    is_over = attempt.state not in LIVE or attempt.settled_at is not None
    if gateway is None or not gateway.is_remote or (is_over and not anew):
        return Settled(attempt.state)
    try:
        answer = _ask(gateway, attempt, at=at)
    except NoAnswer:
        unclear = record_unknown(attempt, at=at)
        return Settled(unclear.state, Did.SILENT) if is_over else unclear
    settled = record_answer(attempt, answer, at=at)
    if settled.state is State.CAPTURED and answer.given_back:
        record_given_back(attempt, answer.given_back, at=at)
    return settled


def settle_order(order_id: int, *, at: datetime) -> None:
    """Settle every attempt of an order that is still open: the customer has come back from a gateway."""
    for attempt in list_attempts(order_id):
        if attempt.state in LIVE:
            settle(attempt.id, at=at)


def capture_payment(payment_id: int, *, by: str, at: datetime) -> Settled:
    """Take what the customer's bank has promised.

    Raises:
        IllegalMove: nothing is promised, or it was taken or let go before.
    """
    attempt = get_attempt(payment_id)
    _check_authorized(attempt)
    try:
        answer = get_gateway(attempt.gateway).capture(asked_of(attempt), at=at)
    except NoAnswer:
        return record_unknown(attempt, at=at)
    except Refused as refusal:
        raise IllegalMove(_("The gateway refused: %(why)s", why=str(refusal)), state=attempt.state.value, legal=[]) from None
    return record_answer(attempt, answer, by=by, at=at)


def void_payment(payment_id: int, *, by: str, at: datetime) -> Settled:
    """Let go what the customer's bank has promised: nothing is taken.

    Raises:
        IllegalMove: nothing is promised, or it was taken or let go before.
    """
    attempt = get_attempt(payment_id)
    _check_authorized(attempt)
    return _close(attempt, by=by, at=at)


def record_bank_payment(order_id: int, *, by: str, at: datetime, within: Callable[[], object] = lambda: None) -> Settled:
    """Staff (or the bank's list) saw the money on the account. A card attempt that is still open is closed; should it be paid after all, that money
    goes back. Money for an order that had ended is settled as a late payment. ``within`` happens in the same transaction.

    Raises:
        IllegalMove: the order is paid already.
    """
    with transaction():
        order = claim_order(order_id)
        check_move(MONEY, order.payment_state, PaymentState.PAID)
        mine = [found for found in list_attempts(order_id) if found.gateway == "bank_transfer" and found.state in LIVE | {State.VOIDED}]
        payment_id = (
            mine[-1].id
            if mine
            else record_attempt(order_id, gateway="bank_transfer", amount_minor=order.total_minor, currency=order.currency, at=at)
        )
        if mine and mine[-1].amount_minor != order.total_minor:
            set_payment(payment_id, amount_minor=order.total_minor)  # the order was edited before its transfer came
        settled = record_bank_money(order, payment_id, by=by, at=at)
        within()
    close_open_attempts(order_id, at=at)
    return settled


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
    for waiting in list_waiting(at - margin()):
        if waiting.state in {State.PENDING, State.AUTHORIZED} and waiting.seen_at > at - PATIENCE:
            continue
        seen += 1
        try:
            state = settle(waiting.id, at=at).state
            if state is State.PENDING and waiting.created_at <= at - EXPIRY:
                state = _close(get_attempt(waiting.id), at=at).state
            if state in LIVE:
                set_payment(waiting.id, looked_at=at)  # others come first next time
        except Exception:
            log.exception("payment %s could not be settled", waiting.id)
    return seen


def _attempt_again(order_id: int, gateway: str, *, at: datetime) -> Step | None:
    """A new attempt, unless the order is paid or being paid meanwhile: then what comes of that."""
    with transaction():
        order = claim_order(order_id)
        if order.payment_state is not PaymentState.UNPAID:
            states = {PaymentState.CHECKING: State.UNKNOWN, PaymentState.AUTHORIZED: State.AUTHORIZED}
            return Step(None, states.get(order.payment_state, State.CAPTURED))
        if order.state is OrderState.CANCELED:
            raise _canceled(order.state)
        if find_live_attempt(order_id) is None:
            record_attempt(order_id, gateway=gateway, amount_minor=order.total_minor, currency=order.currency, at=at)
            if order.payment_method != gateway:
                change_payment_method(order_id, gateway)
    return None


def _call(attempt: Row[Any], *, at: datetime) -> Step:
    """The second step: open the attempt at the gateway, or find it open; then the third. An attempt that was closed meanwhile is closed there too."""
    if attempt.attempted_at is None or attempt.attempted_at < at - margin() // 2:
        set_payment(attempt.id, attempted_at=at)  # in flight from now on
    try:
        answer = get_gateway(attempt.gateway).start(asked_of(attempt), at=at)
    except NoAnswer:
        return Step(None, record_unknown(attempt, at=at).state)
    except Refused as refusal:
        log.warning("the gateway %s refused to open a payment: %s", attempt.gateway, refusal)
        answer = Answer(truth=Truth.DECLINED, reason=_("This way to pay does not work at the moment."))
    state = record_answer(attempt, answer, at=at).state
    if state in ENDED and answer.truth is Truth.WAITING:
        _close(attempt, at=at)
    return Step(answer.url if state is State.PENDING else None, state)


def _ask(gateway: Gateway, attempt: Row[Any], *, at: datetime) -> Answer:
    """How it stands; what is only promised is taken where that was agreed."""
    answer = gateway.look_up(asked_of(attempt), at=at)
    if answer.truth is Truth.AUTHORIZED and gateway.captures_at_once and attempt.order_state is not OrderState.CANCELED:
        try:
            return gateway.capture(asked_of(attempt), at=at)
        except Refused as refusal:
            log.warning("the gateway %s refused a capture: %s", attempt.gateway, refusal)
    return answer


def _close(attempt: Row[Any], *, by: str = "", at: datetime) -> Settled:
    gateway = gateways().get(attempt.gateway)
    if gateway is None:
        return Settled(attempt.state)
    try:
        answer = gateway.void(asked_of(attempt), at=at)
    except (NoAnswer, Refused):
        return record_unknown(attempt, at=at)
    return record_answer(attempt, answer, by=by, at=at)


def _check_authorized(attempt: Row[Any]) -> None:
    if attempt.state is not State.AUTHORIZED:
        legal = [State.CAPTURED.value, State.VOIDED.value] if attempt.state in LIVE else []
        raise IllegalMove(_("Only a payment that is authorized can be captured or let go."), state=attempt.state.value, legal=legal)


def _canceled(state: OrderState) -> IllegalMove:
    return IllegalMove(_("The order is %(state)s. Nothing changes that.", state=word(state)), state=state.value, legal=[])
