"""Money that goes back to a customer, seen from the order: what is owed (once per source), and the paper when it was given.

Who gives it is ``shop.payment``: it hears ``order.credit_due``, and says ``record_refund`` when the money went back.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, cast

from sqlalchemy import Row, Table, bindparam, func, select, update

from shop.db import insert_missing, row, rows, transaction
from shop.ledger.queries import paid_sum, refunded_sum
from shop.order.documents.services import issue_credit_note
from shop.order.models import CreditKind, Order, OrderCredit, OrderLine
from shop.order.reckoning import reckon_lines
from shop.order.returns.models import ReturnLine, ReturnRequest, ReturnState
from shop.outbox.services import record_event

credits_table, requests = cast("Table", OrderCredit.__table__), cast("Table", ReturnRequest.__table__)
PREFIX = "credit:"
BY_ID = select(OrderCredit.id, OrderCredit.kind, OrderCredit.source).where(OrderCredit.id == bindparam("credit_id"))
EDIT_CREDITS = select(OrderCredit.id, OrderCredit.amount_minor).where(
    OrderCredit.order_id == bindparam("order_id"), OrderCredit.kind == CreditKind.EDIT
)
LINES = select(OrderLine.id, OrderLine.name, OrderLine.options, OrderLine.sku, OrderLine.tax_rate_ppm).where(
    OrderLine.order_id == bindparam("order_id")
)
_owed = select(func.coalesce(func.sum(OrderCredit.amount_minor), 0)).where(OrderCredit.order_id == Order.id, OrderCredit.done_at.is_(None))
LEFT = select(
    paid_sum(cast("Table", Order.__table__).c.id).label("paid"),
    refunded_sum(cast("Table", Order.__table__).c.id).label("refunded"),
    _owed.scalar_subquery().label("owed"),
).where(Order.id == bindparam("order_id"))
RECEIVED = select(ReturnLine.order_line_id, ReturnLine.received_quantity.label("pieces")).where(
    ReturnLine.return_id == bindparam("return_id"), ReturnLine.received_quantity > 0
)


def owe_credit(order: Row[Any], kind: CreditKind, source: str, amount_minor: int, *, note: str = "", by: str, at: datetime) -> None:
    """Write down that so much goes back, and have it given. The caller holds the order; the same source owes once."""
    with transaction() as session:
        values = {"order_id": order.id, "kind": kind, "source": source, "amount_minor": amount_minor, "note": note, "actor": by, "at": at}
        if not insert_missing(OrderCredit, {**values, "done_at": None}):
            return
        credit_id = session.execute(select(OrderCredit.id).where(OrderCredit.source == source)).scalar_one()
        facts = {"order_id": order.id, "number": order.number, "credit_id": credit_id, "amount_minor": amount_minor, "by": by}
        record_event("order.credit_due", f"order:{order.id}", {**facts, "reason": kind.value}, at=at)


def press_of(credit_id: int) -> str:
    """By this name ``shop.payment`` gives a credit: the same one twice is one refund."""
    return f"{PREFIX}{credit_id}"


def record_refund(
    order_id: int,
    *,
    refund_id: int,
    press: str,
    amount_minor: int,
    pieces: Mapping[int, int] | None = None,
    is_surplus: bool = False,
    at: datetime,
) -> None:
    """Money went back. Inside the transaction that says so, with the order held: the return or edit that it was for is settled, and what was sold and
    invoiced is credited on paper. ``is_surplus``: it was paid twice, so nothing that was sold goes back.
    """
    with transaction() as session:
        credit = row(BY_ID, credit_id=int(press.removeprefix(PREFIX))) if press.startswith(PREFIX) else None
        cause = f"refund:{refund_id}"
        if credit is None and is_surplus:
            return
        if credit is None:
            values = {
                "order_id": order_id,
                "kind": CreditKind.REFUND,
                "source": cause,
                "amount_minor": amount_minor,
                "actor": "shop",
                "note": "",
            }
            insert_missing(OrderCredit, {**values, "at": at, "done_at": at})
            _credit(order_id, amount_minor, cause=cause, pieces=dict(pieces or {}), at=at)
            return
        session.execute(update(credits_table).where(credits_table.c.id == credit.id).values(done_at=at))
        if credit.kind is CreditKind.RETURN:
            return_id = int(credit.source.partition(":")[2])
            settle_return(return_id, at=at)
            received = {found.order_line_id: found.pieces for found in rows(RECEIVED, return_id=return_id)}
            _credit(order_id, amount_minor, cause=cause, pieces=received, at=at)


def settle_return(return_id: int, *, at: datetime) -> None:
    """The money of a return is back."""
    with transaction() as session:
        session.execute(
            update(requests)
            .where(requests.c.id == return_id, requests.c.state == ReturnState.RECEIVED)
            .values(state=ReturnState.REFUNDED, refunded_at=at)
        )


def left_to_give(order_id: int) -> int:
    """What was paid for an order, less what went back and what is owed back already, in minor units."""
    found = row(LEFT, order_id=order_id)
    return int(found.paid - found.refunded - found.owed) if found is not None else 0


def worth_of(order_id: int, pieces: Mapping[int, int]) -> dict[int, int]:
    """What was paid for so many pieces of each line, in minor units, as those that come back next; what was paid back already is worth nothing more."""
    accounts = reckon_lines(order_id)
    return {
        line_id: accounts[line_id].price(min(count, accounts[line_id].may_refund))
        for line_id, count in pieces.items()
        if line_id in accounts
    }


def _credit(order_id: int, amount_minor: int, *, cause: str, pieces: Mapping[int, int], at: datetime) -> None:
    wished: dict[int, int] = {}
    accounts, goods = reckon_lines(order_id) if pieces else {}, []
    for line in rows(LINES, order_id=order_id) if pieces else ():
        if count := pieces.get(line.id):
            agreed = max(accounts[line.id].agreed, 1)
            wished[line.tax_rate_ppm] = wished.get(line.tax_rate_ppm, 0) + accounts[line.id].worth_minor * count // agreed
            goods.append(
                {"kind": "goods", "name": line.name, "options": line.options, "sku": line.sku, "quantity": count, "order_line_id": line.id}
            )
    issue_credit_note(order_id, amount_minor, cause=cause, wished=wished, goods=goods, at=at)
