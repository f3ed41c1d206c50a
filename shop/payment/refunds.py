"""Giving money back: once per cause, never more than came in, and by the gateway that took it.

The amount is set aside on the payment first (commit), then the gateway is asked under the refund's own key, then the outcome is written down by
``_record_done``, the one place that knows when money went back. What no gateway can do by itself (a bank transfer) stays pending until staff says
that it was sent; what is under way at a gateway, or of what it said nothing, is asked again by the sweep.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any, cast

from flask_babel import gettext as _
from sqlalchemy import Row, Table, bindparam, func, insert, select, update

from shop.db import after_commit, connection, insert_missing, row, rows, scalar, transaction
from shop.errors import IllegalMove, Invalid, NotFound
from shop.money import Money, format_money
from shop.observe import count, tell
from shop.observe.figures import REFUNDS
from shop.order.credits import EDIT_CREDITS, press_of, record_refund
from shop.order.goods import hold_goods, release_goods, shelve_goods
from shop.order.models import Order, OrderState, PaymentState
from shop.order.reckoning import count_paid_back, price_pieces
from shop.order.services import claim_order, record_entry, record_payment_state
from shop.payment.asking import asked_of, margin
from shop.payment.gateways.base import GivenBack, NoAnswer, Refused, Truth
from shop.payment.ledger import post_refund
from shop.payment.models import Payment, Refund, RefundLine, State
from shop.payment.queries import gateways, get_attempt, get_gateway, list_attempts, list_waiting_refunds
from shop.trail.services import note_change
from shop.web.locale import current_locale

log = logging.getLogger(__name__)

UNDER_WAY = (State.ATTEMPTING, State.UNKNOWN)
payments, refunds = cast("Table", Payment.__table__), cast("Table", Refund.__table__)
REST = select((Payment.captured_minor - Payment.refunded_minor).label("minor")).where(Payment.id == bindparam("payment_id"))
SET_ASIDE = (
    update(payments)
    .where(
        payments.c.id == bindparam("payment_id"),
        payments.c.state == State.CAPTURED,
        payments.c.refunded_minor + bindparam("minor") <= payments.c.captured_minor,
    )
    .values(refunded_minor=payments.c.refunded_minor + bindparam("minor"), version=payments.c.version + 1)
)
_columns = (
    Refund.id,
    Refund.payment_id,
    Refund.key,
    Refund.reference,
    Refund.amount_minor,
    Refund.state,
    Refund.is_restocked,
    Refund.actor,
    Payment.order_id,
    Payment.currency,
    Payment.gateway,
    Order.number,
)
_refund = select(*_columns).join(Payment, Payment.id == Refund.payment_id).join(Order, Order.id == Payment.order_id)
BY_KEY, BY_ID = _refund.where(Refund.key == bindparam("key")), _refund.where(Refund.id == bindparam("refund_id"))
BY_REFERENCE = _refund.where(Refund.payment_id == bindparam("payment_id"), Refund.reference == bindparam("reference"))
CAME_IN = select(func.coalesce(func.sum(Payment.captured_minor), 0)).where(Payment.order_id == bindparam("order_id"))
GIVEN = (
    select(Refund.key, Refund.amount_minor)
    .join(Payment, Payment.id == Refund.payment_id)
    .where(Payment.order_id == bindparam("order_id"), Refund.state == State.CAPTURED)
)
WENT_BACK = (
    select(func.coalesce(func.sum(Refund.amount_minor), 0))
    .join(Payment, Payment.id == Refund.payment_id)
    .where(Payment.order_id == bindparam("order_id"), Refund.state == State.CAPTURED)
)
LINES = select(RefundLine.order_line_id, RefundLine.quantity, RefundLine.amount_minor).where(RefundLine.refund_id == bindparam("refund_id"))


def refund_rest(payment_id: int, *, reason: str, by: str, at: datetime) -> None:
    """Give back all that is left of a payment, by itself. Called again, it goes on where it stopped."""
    attempt = get_attempt(payment_id)
    key = f"{attempt.key}:rest"
    with transaction():
        claim_order(attempt.order_id)
        rest = int(scalar(REST, payment_id=payment_id) or 0)
        if rest and row(BY_KEY, key=key) is None:
            _set_aside(attempt, key, rest, reason=reason, by=by, at=at)
        refund = row(BY_KEY, key=key)
    if refund is not None and refund.state in UNDER_WAY:
        _ask(refund, at=at)


def refund_payment(
    payment_id: int,
    *,
    press: str,
    pieces: Mapping[int, int] | None = None,
    amount_minor: int = 0,
    restocks: bool = False,
    reason: str = "",
    by: str,
    at: datetime,
) -> State:
    """Give back the share of ``pieces`` (by order line) and ``amount_minor`` beside them; with ``restocks`` the pieces are held, and on the shelf again
    once the money is back; when the gateway refuses, pieces and money are as before. ``press`` names the wish: the same one twice is one refund. Gives
    how the refund stands.

    Raises:
        IllegalMove: nothing was captured, or less is left than that.
        Invalid: no money at all, or pieces that were not bought, are paid back already, or cannot come back to the shelf.
    """
    attempt = get_attempt(payment_id)
    key = f"{attempt.key}:{press}"
    with transaction():
        claim_order(attempt.order_id)
        if row(BY_KEY, key=key) is None:
            shares = price_pieces(attempt.order_id, pieces or {})
            total = sum(shares.values()) + amount_minor
            if total <= 0:
                raise Invalid({"/amount": [_("Say how much goes back, or which pieces.")]})
            refund_id = _set_aside(attempt, key, total, reason=reason, by=by, at=at, restocks=restocks and bool(pieces))
            _keep_lines(refund_id, pieces or {}, shares)
            given = {"payment": payment_id, "refund_minor": total, "currency": attempt.currency, "restocks": restocks and bool(pieces)}
            note_change(f"order:{attempt.number}", {}, given, at=at)
            if restocks and pieces:
                hold_goods(attempt.order_id, pieces)
    refund = row(BY_KEY, key=key)
    return _ask(refund, at=at) if refund is not None and refund.state in UNDER_WAY else cast("Any", refund).state


def give_credit(order_id: int, amount_minor: int, *, press: str, reason: str, by: str, at: datetime) -> int:
    """Give back an amount of what was paid for an order, from whichever of its payments have so much left; gives what could not be given."""
    left = amount_minor
    for attempt in list_attempts(order_id):
        with transaction():
            claim_order(order_id)
            rest = 0 if attempt.state is not State.CAPTURED else int(scalar(REST, payment_id=attempt.id) or 0)
            known = row(BY_KEY, key=f"{attempt.key}:{press}")
        part = known.amount_minor if known is not None else min(left, rest)
        if part:
            refund_payment(attempt.id, press=press, amount_minor=part, reason=reason, by=by, at=at)
            left -= part
    return left


def tell_short(order_id: int, left_minor: int, *, at: datetime) -> None:
    """Of what is owed back so much could not be given, since less is left of the payments: a person must look."""
    with transaction():
        order = claim_order(order_id)
        amount = format_money(Money(left_minor, order.currency), current_locale())
        record_entry(order_id, "refund_failed", by="shop", note=_("%(amount)s: not so much is left of what was paid", amount=amount), at=at)


def record_bank_refund(refund_id: int, *, by: str, at: datetime) -> None:
    """Staff sent the money back by hand.

    Raises:
        NotFound: there is no such refund.
        IllegalMove: it was done before.
    """
    refund = _get(refund_id)
    if refund.state is not State.PENDING:
        raise IllegalMove(_("This refund was made before."), state=refund.state.value, legal=[])
    _record_done(refund_id, reference=None, by=by, at=at)


def record_given_back(attempt: Row[Any], given: Iterable[GivenBack], *, at: datetime) -> None:
    """What the gateway says was given back: ours are finished, those that somebody made there are written down."""
    for one in given:
        refund = (row(BY_KEY, key=one.key) if one.key else None) or row(BY_REFERENCE, payment_id=attempt.id, reference=one.reference)
        if refund is None and one.truth is Truth.CAPTURED:
            refund = _record_foreign(attempt, one, at=at)
        if refund is not None and refund.payment_id == attempt.id and refund.state is not State.CAPTURED:
            _record(refund, one, at=at)


def sweep_refunds(at: datetime) -> int:
    """Ask again for refunds that nobody knows the end of; those that may still be in flight are left alone. Gives how many."""
    waiting = list_waiting_refunds(at - margin())
    for found in waiting:
        try:
            _ask(_get(found.id), at=at)
        except Exception:
            log.exception("refund %s could not be settled", found.id)
    return len(waiting)


def _set_aside(
    attempt: Row[Any], key: str, minor: int, *, reason: str, by: str, at: datetime, restocks: bool = False, reference: str | None = None
) -> int:
    """The first step, inside the caller's transaction: what two want at once cannot exceed what was captured."""
    if connection().execute(SET_ASIDE, {"payment_id": attempt.id, "minor": minor}).rowcount == 0:
        left = Money(max(0, int(scalar(REST, payment_id=attempt.id) or 0)), attempt.currency)
        raise IllegalMove(
            _("Not so much is left of this payment: %(left)s can go back.", left=format_money(left, current_locale())),
            state=attempt.state.value,
            legal=[],
            left=left.dump(),
        )
    values = {"payment_id": attempt.id, "key": key, "reference": reference, "amount_minor": minor, "state": State.ATTEMPTING}
    who = {"reason": reason, "actor": by, "created_at": at, "attempted_at": at, "is_restocked": restocks, "error": ""}
    return int(connection().execute(insert(refunds).returning(refunds.c.id), {**values, **who}).scalar_one())


def _keep_lines(refund_id: int, pieces: Mapping[int, int], shares: Mapping[int, int]) -> None:
    if pieces:
        count_paid_back({line_id: (count, shares[line_id]) for line_id, count in pieces.items()})
        insert_missing(
            RefundLine,
            *(
                {"refund_id": refund_id, "order_line_id": line_id, "quantity": count, "amount_minor": shares[line_id]}
                for line_id, count in pieces.items()
            ),
        )


def _ask(refund: Row[Any], *, at: datetime) -> State:
    """The second step, and the third."""
    attempt = get_attempt(refund.payment_id)
    gateway = gateways().get(attempt.gateway) or get_gateway(attempt.gateway)
    try:
        answer = gateway.refund(asked_of(attempt), refund.amount_minor, refund_key=refund.key, at=at)
    except NoAnswer:
        return _record_waiting(refund, State.UNKNOWN, reference=None, at=at)
    except Refused as refusal:
        return _record_refused(refund, str(refusal), at=at)
    if answer.truth is Truth.WAITING and not gateway.is_remote:
        return _record_waiting(refund, State.PENDING, reference=None, at=at)
    return _record(refund, answer, at=at)


def _record(refund: Row[Any], answer: GivenBack, *, at: datetime) -> State:
    if answer.truth is Truth.CAPTURED:
        return _record_done(refund.id, reference=answer.reference, by=refund.actor, at=at)
    if answer.truth is Truth.DECLINED:
        return _record_refused(refund, answer.reason, at=at)
    return _record_waiting(refund, State.UNKNOWN, reference=answer.reference, at=at)


def _record_done(refund_id: int, *, reference: str | None, by: str, at: datetime) -> State:
    """The money is back with the customer."""
    with transaction() as session:
        about = _get(refund_id)
        order = claim_order(about.order_id)
        done = session.execute(
            update(refunds)
            .where(refunds.c.id == refund_id, refunds.c.state.not_in([State.CAPTURED, State.FAILED]))
            .values(state=State.CAPTURED, reference=func.coalesce(refunds.c.reference, reference), error="")
        )
        if done.rowcount == 0:  # type: ignore[attr-defined]
            return cast("State", _get(refund_id).state)
        after_commit(lambda: _told(about.gateway, "done"))
        promised = _due_for_edits(order.id)
        post_refund(
            order.id, refund_id, about.amount_minor, currency=about.currency, gateway=about.gateway, promised_minor=promised, by=by, at=at
        )
        kept = int(scalar(CAME_IN, order_id=order.id) or 0) - int(scalar(WENT_BACK, order_id=order.id) or 0)
        note = _amount(about)
        is_surplus = kept - promised >= order.total_minor and order.state is not OrderState.CANCELED
        pieces = {line.order_line_id: line.quantity for line in rows(LINES, refund_id=refund_id)}
        if about.is_restocked:
            shelve_goods(order.id, pieces, reference=about.number, by=by, at=at)
        press = about.key.partition(":")[2]
        record_refund(
            order.id, refund_id=refund_id, press=press, amount_minor=about.amount_minor, pieces=pieces, is_surplus=is_surplus, at=at
        )
        if is_surplus:
            record_entry(order.id, "surplus_refunded", by=by, note=note, at=at)
        else:
            to = PaymentState.PARTLY_REFUNDED if kept > 0 else PaymentState.REFUNDED
            record_payment_state(order.id, to, by=by, note=note, at=at)
    return State.CAPTURED


def _due_for_edits(order_id: int) -> int:
    """What edits made the order cheaper by and has not gone back: it is no surplus that another refund may take."""
    given: dict[str, int] = {}
    for refund in rows(GIVEN, order_id=order_id):
        press = refund.key.partition(":")[2]
        given[press] = given.get(press, 0) + refund.amount_minor
    return sum(max(0, credit.amount_minor - given.get(press_of(credit.id), 0)) for credit in rows(EDIT_CREDITS, order_id=order_id))


def _record_waiting(refund: Row[Any], to: State, *, reference: str | None, at: datetime) -> State:
    """It is under way; or a person must send it, which the order's timeline and the staff's list say."""
    with transaction() as session:
        claim_order(refund.order_id)
        moved = session.execute(
            update(refunds)
            .where(refunds.c.id == refund.id, refunds.c.state.in_(UNDER_WAY))
            .values(state=to, attempted_at=at, reference=func.coalesce(refunds.c.reference, reference))
        )
        if to is State.PENDING and moved.rowcount == 1:  # type: ignore[attr-defined]
            record_entry(refund.order_id, "refund_noted", by="shop", note=_amount(refund), at=at)
    return to


def _record_refused(refund: Row[Any], why: str, *, at: datetime) -> State:
    """The gateway gives nothing back: what was set aside is free again, and a person must look."""
    with transaction() as session:
        claim_order(refund.order_id)
        failed = session.execute(
            update(refunds).where(refunds.c.id == refund.id, refunds.c.state.in_(UNDER_WAY)).values(state=State.FAILED, error=why[:500])
        )
        if failed.rowcount == 1:  # type: ignore[attr-defined]
            session.execute(
                update(payments)
                .where(payments.c.id == refund.payment_id)
                .values(refunded_minor=payments.c.refunded_minor - refund.amount_minor)
            )
            _free_lines(refund)
            after_commit(lambda: _told(refund.gateway, "refused"))
            record_entry(refund.order_id, "refund_failed", by="shop", note=f"{_amount(refund)}: {why}"[:500], at=at)
    return State.FAILED


def _free_lines(refund: Row[Any]) -> None:
    """Nothing went back for these pieces: they may be paid back again, and what was held for the shelf is still with the customer."""
    kept = rows(LINES, refund_id=refund.id)
    count_paid_back({line.order_line_id: (-line.quantity, -line.amount_minor) for line in kept})
    if refund.is_restocked:
        release_goods({line.order_line_id: line.quantity for line in kept})


def _record_foreign(attempt: Row[Any], one: GivenBack, *, at: datetime) -> Row[Any] | None:
    """Somebody gave money back at the gateway itself. What cannot be fits no row of ours: a person must look."""
    key = f"{attempt.gateway}:{one.reference}"
    with transaction():
        claim_order(attempt.order_id)
        known = row(BY_KEY, key=key)
        left = int(scalar(REST, payment_id=attempt.id) or 0)
        if known is None and one.amount_minor > left:
            log.error("the gateway %s gave back more of %s than was taken", attempt.gateway, attempt.number)
            record_entry(attempt.order_id, "payment_mismatch", by="shop", note=f"{one.reference}: {one.amount_minor} > {left}", at=at)
            return None
        if known is None:
            _set_aside(attempt, key, one.amount_minor, reason="at_the_gateway", by=attempt.gateway, at=at, reference=one.reference)
    return row(BY_KEY, key=key)


def _told(gateway: str, outcome: str) -> None:
    count(REFUNDS, gateway, outcome)
    tell(f"refund {outcome}", gateway=gateway)


def _get(refund_id: int) -> Row[Any]:
    found = row(BY_ID, refund_id=refund_id)
    if found is None:
        raise NotFound(_("There is no such refund."))
    return found


def _amount(about: Row[Any]) -> str:
    return format_money(Money(about.amount_minor, about.currency), current_locale())
