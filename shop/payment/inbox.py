"""Messages of gateways: each event once. A message only says where to look; what is true is fetched from the gateway (``services.settle``).

The row is written first (commit), with the dispute that it tells of, then the effect, then that it had one. Who is stopped between, or finds the
gateway silent, leaves it ``received``: the gateway sends again, and the sweep looks after it as well, with growing pauses. After ``MOST_TRIES``, about
a day, it is given up: staff sees it, and can have it tried again.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from datetime import datetime
from typing import Any, cast

from flask_babel import gettext as _
from sqlalchemy import Row, Table, bindparam, select, update

from shop.db import insert_missing, row, transaction
from shop.errors import IllegalMove, NotFound
from shop.order.services import claim_order, record_entry
from shop.outbox.courier import pause
from shop.outbox.services import record_event
from shop.payment.asking import margin
from shop.payment.gateways.base import Contested, Gateway, News, NoAnswer
from shop.payment.ledger import post_dispute
from shop.payment.models import Dispute, DisputeState, GatewayMessage, MessageState
from shop.payment.queries import find_attempt, gateways, list_open_messages
from shop.payment.recording import Did
from shop.payment.services import settle

log = logging.getLogger(__name__)

LONGEST = 200
MOST_TRIES = 30
messages, disputes = cast("Table", GatewayMessage.__table__), cast("Table", Dispute.__table__)
BY_ID = select(messages.c.state).where(messages.c.id == bindparam("message_id"))
KNOWN = select(messages.c.id, messages.c.state).where(
    messages.c.gateway == bindparam("gateway"), messages.c.event_id == bindparam("event_id")
)
OPEN = {MessageState.RECEIVED, MessageState.GIVEN_UP}


def receive_message(code: str, body: bytes, headers: Mapping[str, str], *, at: datetime) -> MessageState:
    """Take a message of the gateway ``code`` and act on it, once per event.

    Raises:
        NotFound: this shop has no such gateway.
        Forged: the gateway did not send it; nothing was kept.
        NoAnswer: what it is about could not be asked now; it waits for the next telling, or the sweep.
    """
    gateway = gateways().get(code)
    if gateway is None:
        raise NotFound(_("There is no such payment."))
    news = gateway.read_webhook(body, headers, at=at)
    attempt = find_attempt(key=news.key, gateway=code, reference=news.reference) or find_attempt(gateway=code, reference=news.reference)
    problem = _problem(gateway, news, attempt)
    known = _keep(code, news, attempt, is_ours=not problem, at=at)
    if known.state not in OPEN:
        return cast("MessageState", known.state)
    if problem or attempt is None:
        log.error("a message of %s was ignored: %s (%s %s)", code, problem, news.kind, news.event_id)
        return _close(known.id, MessageState.IGNORED, problem)
    _act(attempt.id, at=at)
    return _close(known.id, MessageState.HANDLED)


def sweep_messages(at: datetime) -> int:
    """Act on messages whose taker was stopped, or whose gateway was silent. Gives how many were tried."""
    waiting = list_open_messages(at)
    for found in waiting:
        try:
            if found.payment_id is not None:
                _act(found.payment_id, at=at)
            _close(found.id, MessageState.HANDLED)
        except NoAnswer:
            log.warning("message %s waits: its gateway is silent", found.id)
            _put_back(found, _("Its gateway does not answer."), at=at)
        except Exception as error:
            log.exception("message %s could not be acted on", found.id)
            _put_back(found, f"{type(error).__name__}: {error}"[:LONGEST], at=at)
    return len(waiting)


def revive_message(message_id: int, *, at: datetime) -> None:
    """Have the sweep try a message again that was given up.

    Raises:
        NotFound: there is no such message.
        IllegalMove: it was not given up.
    """
    with transaction() as session:
        revived = session.execute(
            update(messages)
            .where(messages.c.id == message_id, messages.c.state == MessageState.GIVEN_UP)
            .values(state=MessageState.RECEIVED, tries=0, due_at=at)
        )
        if revived.rowcount:  # type: ignore[attr-defined]
            return
        found = row(BY_ID, message_id=message_id)
    if found is None:
        raise NotFound(_("There is no such message."))
    raise IllegalMove(_("Only a message that was given up can be tried again."), state=found.state.value, legal=[])


def _put_back(found: Row[Any], why: str, *, at: datetime) -> None:
    """To be tried again after a growing pause, or given up; unless somebody else has acted on it meanwhile."""
    tries = found.tries + 1
    state = MessageState.GIVEN_UP if tries >= MOST_TRIES else MessageState.RECEIVED
    with transaction() as session:
        session.execute(
            update(messages)
            .where(messages.c.id == found.id, messages.c.state == MessageState.RECEIVED)
            .values(state=state, note=why, tries=tries, due_at=at + pause(tries))
        )


def _act(payment_id: int, *, at: datetime) -> None:
    """Fetch the truth. An attempt that is still open has its own sweep; of one that had ended only this message knows."""
    if settle(payment_id, anew=True, at=at).did is Did.SILENT:
        raise NoAnswer


def record_dispute(attempt: Row[Any], contested: Contested, *, at: datetime) -> None:
    """The customer's bank asks for the money back, or has decided. A decision is never left again, however late older messages come."""
    to = DisputeState(contested.state)
    values = {
        "payment_id": attempt.id,
        "reference": contested.reference,
        "amount_minor": contested.amount_minor,
        "currency": contested.currency,
        "reason": contested.reason[:LONGEST],
        "state": DisputeState.OPEN,
        "due_at": contested.due_at,
        "created_at": at,
    }
    with transaction() as session:
        claim_order(attempt.order_id)
        if insert_missing(Dispute, values):
            _tell(attempt, contested, DisputeState.OPEN, at=at)
        if to is not DisputeState.OPEN:
            still_open = (disputes.c.reference == contested.reference) & (disputes.c.state == DisputeState.OPEN)
            closed = session.execute(update(disputes).where(disputes.c.payment_id == attempt.id, still_open).values(state=to, closed_at=at))
            if closed.rowcount == 1:  # type: ignore[attr-defined]
                _tell(attempt, contested, to, at=at)


def _tell(attempt: Row[Any], contested: Contested, state: DisputeState, *, at: datetime) -> None:
    """Money that is contested, won or lost: the one place that knows."""
    if state is not DisputeState.LOST:  # what was taken when it began stays taken
        is_won = state is DisputeState.WON
        post_dispute(
            attempt.order_id,
            contested.reference,
            contested.amount_minor,
            currency=contested.currency,
            gateway=attempt.gateway,
            is_won=is_won,
            at=at,
        )
    note = " ".join(part for part in (contested.reference, contested.reason) if part)[:LONGEST]
    record_entry(attempt.order_id, f"dispute_{state.value}", by="shop", note=note, at=at)
    facts = {"order_id": attempt.order_id, "payment_id": attempt.id, "reference": contested.reference, "state": state.value}
    record_event("payment.disputed", f"order:{attempt.order_id}", facts, at=at)


def _keep(code: str, news: News, attempt: Row[Any] | None, *, is_ours: bool, at: datetime) -> Row[Any]:
    """The message, and its dispute with it: the sweep, which has no more than the row, would never learn of one."""
    tells = news.dispute if is_ours else None
    payment_id = attempt.id if attempt is not None else None
    with transaction():
        if attempt is not None and tells is not None:
            claim_order(attempt.order_id)  # before any other row, as everywhere
        values = {"gateway": code, "event_id": news.event_id[:LONGEST], "kind": news.kind[:LONGEST], "payment_id": payment_id}
        due = {"received_at": at, "due_at": at + margin(), "tries": 0}
        insert_missing(GatewayMessage, {**values, **due, "state": MessageState.RECEIVED, "note": ""})
        found = cast("Row[Any]", row(KNOWN, gateway=code, event_id=news.event_id[:LONGEST]))
        if attempt is not None and tells is not None and found.state in OPEN:
            record_dispute(attempt, tells, at=at)
    return found


def _problem(gateway: Gateway, news: News, attempt: Row[Any] | None) -> str:
    if news.is_live is not gateway.is_live:
        return "it speaks of real money, the shop is in test mode" if news.is_live else "it speaks of test money, the shop takes real money"
    return "" if attempt is not None else "it is about no payment of this shop"


def _close(message_id: int, state: MessageState, note: str = "") -> MessageState:
    with transaction() as session:
        session.execute(update(messages).where(messages.c.id == message_id).values(state=state, note=note))
    return state
