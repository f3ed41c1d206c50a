"""Sums over the ledger: what an order's accounts hold, and what of it came in and went back."""

from __future__ import annotations

from typing import Any

from sqlalchemy import BigInteger, ColumnElement, ScalarSelect, bindparam, case, cast, func, select

from shop.db import rows
from shop.ledger.models import Account, Cause, Entry, Posting

BALANCES = (
    select(Entry.account, cast(func.sum(Entry.minor), BigInteger).label("minor"))
    .join(Posting, Posting.id == Entry.posting_id)
    .where(Posting.order_id == bindparam("order_id"))
    .group_by(Entry.account)
)


def balances_of(order_id: int) -> dict[Account, int]:
    """What each account holds for an order, in minor units; accounts without an entry are missing."""
    return {found.account: found.minor for found in rows(BALANCES, order_id=order_id)}


def paid_sum(order_id: ColumnElement[int]) -> ScalarSelect[int]:
    """What came in for an order, as a column of another statement."""
    return _sum(order_id, Entry.minor, Posting.cause == Cause.CAPTURE, Entry.account == Account.CASH)


def refunded_sum(order_id: ColumnElement[int]) -> ScalarSelect[int]:
    """What went back for an order, as a column of another statement."""
    return _sum(order_id, -Entry.minor, Posting.cause == Cause.REFUND, Entry.account == Account.CASH)


def receivable_sum(order_id: ColumnElement[int]) -> ScalarSelect[int]:
    """What is owed for an order by the books; below zero the shop owes it. Nothing as long as the sale itself is not posted."""
    return _sum(order_id, Entry.minor, Entry.account == Account.RECEIVABLE)


def agreed_sum(order_id: ColumnElement[int]) -> ScalarSelect[int]:
    """What was posted as agreed: the part of ``receivable`` that came by the sale, its revisions and its end."""
    agreed = case((Posting.cause.in_([Cause.SALE, Cause.REVISION, Cause.CANCELLATION]), Entry.minor), else_=0)
    return _sum(order_id, agreed, Entry.account == Account.RECEIVABLE)


def _sum(order_id: ColumnElement[int], amount: Any, *conditions: ColumnElement[bool]) -> ScalarSelect[int]:
    return (
        select(cast(func.coalesce(func.sum(amount), 0), BigInteger))
        .select_from(Posting)
        .join(Entry, Entry.posting_id == Posting.id)
        .where(Posting.order_id == order_id, *conditions)
        .scalar_subquery()
    )
