"""Taking a declaration of withdrawal: always, whatever it says; whether there is such an order is for staff to see and for nobody else."""

from __future__ import annotations

import secrets
from datetime import datetime

from flask_babel import gettext as _
from sqlalchemy import select, update

from shop.db import insert_missing, row, transaction
from shop.errors import IllegalMove, NotFound
from shop.order.models import Order
from shop.order.numbers import ALPHABET, read_number
from shop.order.services import claim_order, record_entry
from shop.order.withdrawal.models import Withdrawal
from shop.outbox.services import record_event

LENGTH = 12


def new_reference() -> str:
    """Such as ``K7QX-2BTR-9WMD``: nobody guesses one."""
    drawn = "".join(secrets.choice(ALPHABET) for _place in range(LENGTH))
    return "-".join(drawn[place : place + 4] for place in range(0, LENGTH, 4))


def declare_withdrawal(*, name: str, order_number: str, email: str, note: str = "", locale: str, reference: str, at: datetime) -> str:
    """Write the declaration down as it was made, and have its receipt sent. Gives its reference; the same press twice is one declaration."""
    said = {"name": name, "order_number": order_number, "email": email, "note": note, "locale": locale}
    with transaction() as session:
        order_id = _meant(order_number, email)
        values = {**said, "order_id": order_id, "received_at": at, "handled_at": None, "handled_by": "", "outcome": ""}
        while not insert_missing(Withdrawal, {**values, "reference": reference}):
            known = row(
                select(Withdrawal.name, Withdrawal.order_number, Withdrawal.email, Withdrawal.note).where(Withdrawal.reference == reference)
            )
            if known is not None and (known.name, known.order_number, known.email, known.note) == (name, order_number, email, note):
                return reference
            reference = new_reference()  # somebody else's
        withdrawal_id = session.execute(select(Withdrawal.id).where(Withdrawal.reference == reference)).scalar_one()
        if order_id is not None:
            claim_order(order_id)
            record_entry(order_id, "withdrawal", by="customer", note=" · ".join(part for part in (reference, note) if part), at=at)
        record_event("withdrawal.declared", f"withdrawal:{withdrawal_id}", {"withdrawal_id": withdrawal_id, "order_id": order_id}, at=at)
        return reference


def handle_withdrawal(reference: str, *, outcome: str, by: str, at: datetime) -> None:
    """Staff did what follows from it.

    Raises:
        NotFound: there is no such declaration.
        IllegalMove: it was handled before.
    """
    with transaction() as session:
        found = row(select(Withdrawal.id, Withdrawal.order_id).where(Withdrawal.reference == reference))
        if found is None:
            raise NotFound(_("There is no such withdrawal."))
        if found.order_id is not None:
            claim_order(found.order_id)
        done = session.execute(
            update(Withdrawal)
            .where(Withdrawal.id == found.id, Withdrawal.handled_at.is_(None))
            .values(handled_at=at, handled_by=by, outcome=outcome),
            execution_options={"synchronize_session": False},
        )
        if done.rowcount == 0:  # type: ignore[attr-defined]
            raise IllegalMove(_("Somebody has handled it already."), state="handled", legal=[])
        if found.order_id is not None:
            record_entry(found.order_id, "withdrawal_handled", by=by, note=outcome, at=at)


def _meant(order_number: str, email: str) -> int | None:
    """The order that has this number and this e-mail."""
    number = read_number(order_number)
    found = row(select(Order.id).where(Order.number == number, Order.email == email)) if number else None
    return int(found.id) if found else None
