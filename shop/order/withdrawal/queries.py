"""Reading declarations of withdrawal: one, and what staff works through."""

from __future__ import annotations

from typing import Any

from flask_babel import gettext as _
from sqlalchemy import Row, bindparam, func, select, tuple_

from shop.db import row, rows, scalar
from shop.errors import NotFound
from shop.order.lists import moment_in
from shop.order.models import Order
from shop.order.withdrawal.models import Withdrawal
from shop.web.pagination import Page, decode_cursor, encode_cursor

PAGE = 50
LIST = (
    select(
        Withdrawal.id,
        Withdrawal.reference,
        Withdrawal.name,
        Withdrawal.order_number,
        Withdrawal.email,
        Withdrawal.note,
        Withdrawal.locale,
        Withdrawal.received_at,
        Withdrawal.handled_at,
        Withdrawal.handled_by,
        Withdrawal.outcome,
        Withdrawal.order_id,
        Order.number,
    )
    .outerjoin(Order, Order.id == Withdrawal.order_id)
    .order_by(Withdrawal.received_at.desc(), Withdrawal.id.desc())
)
COUNT = select(func.count()).select_from(Withdrawal).where(Withdrawal.handled_at.is_(None))


def get_withdrawal(reference: str) -> Row[Any]:
    """One declaration; ``number`` is its order's, or None.

    Raises:
        NotFound: there is none of that reference.
    """
    found = row(LIST.where(Withdrawal.reference == bindparam("reference")), reference=reference)
    if found is None:
        raise NotFound(_("There is no such withdrawal."))
    return found


def get_withdrawal_by_id(withdrawal_id: int) -> Row[Any]:
    """For the writer of receipts."""
    found = row(LIST.where(Withdrawal.id == bindparam("id")), id=withdrawal_id)
    assert found is not None, "declarations are never deleted"
    return found


def list_withdrawals(*, is_open: bool, limit: int = PAGE, cursor: str | None = None) -> Page[Row[Any]]:
    """Declarations, newest first; ``is_open`` only those that nobody has handled."""
    statement = LIST.where(Withdrawal.handled_at.is_(None)) if is_open else LIST
    if cursor:
        moment, last_id = decode_cursor(cursor, str, int)
        before = tuple_(bindparam(None, moment_in(moment), type_=Withdrawal.received_at.type), last_id)
        statement = statement.where(tuple_(Withdrawal.received_at, Withdrawal.id) < before)
    found = rows(statement.limit(limit + 1))
    has_more, found = len(found) > limit, found[:limit]
    return Page(found, encode_cursor(found[-1].received_at.isoformat(), found[-1].id) if has_more else None)


def count_withdrawals() -> int:
    """How many wait."""
    return int(scalar(COUNT) or 0)
