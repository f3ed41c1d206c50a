"""Transfers that came in, from the bank's list to the order that they pay: by the order's number in their text, and the very amount.

What fits is settled like any payment; what does not waits with its reason for a person, who says whose it is or lays it aside. The same list sent
twice changes nothing.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, cast

from flask_babel import gettext as _
from sqlalchemy import Row, Table, bindparam, func, select, update

from shop.db import insert_missing, row, rows, scalar, transaction
from shop.errors import N_, IllegalMove, Invalid, NotFound
from shop.order.models import Order, PaymentState
from shop.order.numbers import ALPHABET, read_number
from shop.payment.models import Transfer, TransferState
from shop.payment.recording import NOT_YET
from shop.payment.services import record_bank_payment
from shop.payment.transfers.files import Incoming

transfers = cast("Table", Transfer.__table__)
NUMBER = re.compile(rf"(?<![A-Z0-9])([{ALPHABET}]{{4}})[\s./-]?([{ALPHABET}]{{4}})(?![A-Z0-9])")
ORDER = select(Order.id, Order.number, Order.total_minor, Order.currency, Order.payment_state, Order.state).where(
    Order.number == bindparam("number")
)
OPEN = select(transfers).where(transfers.c.state == TransferState.OPEN).order_by(transfers.c.id).limit(bindparam("most"))
COUNT = select(func.count()).where(transfers.c.state == TransferState.OPEN)
BY_ID = select(transfers).where(transfers.c.id == bindparam("transfer_id"))
BY_FINGERPRINT = select(transfers.c.id, transfers.c.state, transfers.c.problem).where(transfers.c.fingerprint == bindparam("fingerprint"))

NO_NUMBER = N_("No order number in its text")
NO_ORDER = N_("No order has that number")
TWO_ORDERS = N_("More than one order is named")
OTHER_AMOUNT = N_("Another amount than the order’s")
PAID_BEFORE = N_("The order is paid already")


@dataclass(frozen=True, slots=True)
class Matched:
    """What a list brought: transfers that paid an order, those that wait for a person, and those that were known before."""

    paid: int
    open: int
    known: int


def import_transfers(incoming: Iterable[Incoming], *, by: str, at: datetime) -> Matched:
    """Take over a bank's list; what was taken over before is not looked at again."""
    paid = waiting = known = 0
    for one in incoming:
        transfer_id = _keep(one, by=by, at=at)
        if transfer_id is None:
            known += 1
        elif _match(transfer_id, by=by, at=at):
            paid += 1
        else:
            waiting += 1
    return Matched(paid, waiting, known)


def list_open_transfers(*, most: int = 200) -> Sequence[Row[Any]]:
    """Transfers that wait for a person, oldest first."""
    return rows(OPEN, most=most)


def count_open_transfers() -> int:
    return int(scalar(COUNT) or 0)


def assign_transfer(transfer_id: int, number: str, *, by: str, at: datetime) -> None:
    """A person says whose money it is.

    Raises:
        Invalid: no order has that number, or it asks for another amount.
        IllegalMove: the transfer or the order is settled already.
    """
    transfer = _get_open(transfer_id)
    order = row(ORDER, number=read_number(number) or "")
    if order is None:
        raise Invalid({"/number": [_("No order has that number.")]})
    if (order.total_minor, order.currency) != (transfer.amount_minor, transfer.currency):
        raise Invalid({"/number": [_("The order asks for another amount. Send the money back, or lay the transfer aside and say why.")]})
    record_bank_payment(order.id, by=by, at=at, within=lambda: _close(transfer_id, TransferState.MATCHED, order_id=order.id, actor=by))


def dismiss_transfer(transfer_id: int, note: str, *, by: str) -> None:
    """It pays no order: rent, a gift, money that was sent back by hand.

    Raises:
        IllegalMove: it is settled already.
    """
    _get_open(transfer_id)
    _close(transfer_id, TransferState.DISMISSED, problem=note, actor=by)


def _keep(one: Incoming, *, by: str, at: datetime) -> int | None:
    values = {
        "fingerprint": one.fingerprint,
        "booked_on": one.booked_on,
        "amount_minor": one.amount.minor,
        "currency": one.amount.currency,
        "payer": one.payer,
        "text": one.text,
        "state": TransferState.OPEN,
        "problem": "",
        "actor": by,
        "imported_at": at,
    }
    with transaction():
        is_new = insert_missing(Transfer, values)
        found = row(BY_FINGERPRINT, fingerprint=one.fingerprint)
    is_unfinished = found is not None and found.state is TransferState.OPEN and not found.problem  # who took it over was stopped
    return int(cast("Any", found).id) if is_new or is_unfinished else None


def _match(transfer_id: int, *, by: str, at: datetime) -> bool:
    transfer = cast("Any", row(BY_ID, transfer_id=transfer_id))
    order, problem = _find_order(transfer)
    if order is not None and not problem:
        try:
            record_bank_payment(order.id, by=by, at=at, within=lambda: _close(transfer_id, TransferState.MATCHED, order_id=order.id))
        except IllegalMove:  # paid this very moment in another way
            problem = PAID_BEFORE
        else:
            return True
    with transaction() as session:
        still_open = (transfers.c.id == transfer_id) & (transfers.c.state == TransferState.OPEN)
        session.execute(update(transfers).where(still_open).values(problem=problem))
    return False


def _find_order(transfer: Any) -> tuple[Row[Any] | None, str]:
    """The order that the text names, and what speaks against it."""
    numbers = {f"{first}-{last}" for first, last in NUMBER.findall(transfer.text.upper())}
    if not numbers:
        return None, NO_NUMBER
    found = [order for number in sorted(numbers) if (order := row(ORDER, number=number)) is not None]
    if len(found) != 1:
        return None, TWO_ORDERS if found else NO_ORDER
    order = found[0]
    if order.payment_state not in NOT_YET and order.payment_state is not PaymentState.AUTHORIZED:
        return order, PAID_BEFORE
    if (order.total_minor, order.currency) != (transfer.amount_minor, transfer.currency):
        return order, OTHER_AMOUNT
    return order, ""


def _get_open(transfer_id: int) -> Row[Any]:
    found = row(BY_ID, transfer_id=transfer_id)
    if found is None:
        raise NotFound(_("There is no such transfer."))
    if found.state is not TransferState.OPEN:
        raise IllegalMove(_("This transfer is settled already."), state=found.state.value, legal=[])
    return found


def _close(transfer_id: int, to: TransferState, **values: Any) -> None:
    """Settle it, once.

    Raises:
        IllegalMove: somebody else was faster; whatever was to happen with it is undone.
    """
    with transaction() as session:
        still_open = (transfers.c.id == transfer_id) & (transfers.c.state == TransferState.OPEN)
        done = session.execute(update(transfers).where(still_open).values(state=to, **values))
        if done.rowcount == 0:  # type: ignore[attr-defined]
            raise IllegalMove(_("This transfer is settled already."), state=to.value, legal=[])
