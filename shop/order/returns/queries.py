"""Reading returns: those of an order, one of them, what staff works through; and what of an order may still be asked back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from flask_babel import gettext as _
from sqlalchemy import Row, bindparam, func, select, tuple_

from shop.db import row, rows, scalar
from shop.errors import NotFound
from shop.money import Money
from shop.order.lists import moment_in
from shop.order.models import Order, OrderLine
from shop.order.policy import return_days
from shop.order.queries import OrderView
from shop.order.reckoning import reckon_lines
from shop.order.returns.models import ReturnLine, ReturnReason, ReturnRequest, ReturnState
from shop.order.returns.states import MOVES, UNDER_WAY
from shop.order.times import shop_day
from shop.web.pagination import Page, decode_cursor, encode_cursor

PAGE = 50
_columns = (
    ReturnRequest.id,
    ReturnRequest.order_id,
    ReturnRequest.place,
    ReturnRequest.state,
    ReturnRequest.reason,
    ReturnRequest.note,
    ReturnRequest.answer,
    ReturnRequest.refund_minor,
    ReturnRequest.asked_by,
    ReturnRequest.asked_at,
    ReturnRequest.received_at,
    ReturnRequest.refunded_at,
)
OF_ORDER = select(*_columns).where(ReturnRequest.order_id == bindparam("order_id")).order_by(ReturnRequest.place)
ONE = select(*_columns).where(ReturnRequest.order_id == bindparam("order_id"), ReturnRequest.place == bindparam("place"))
LINES = (
    select(
        ReturnLine.return_id,
        ReturnLine.order_line_id,
        ReturnLine.quantity,
        ReturnLine.received_quantity,
        ReturnLine.restocked_quantity,
        OrderLine.name,
        OrderLine.options,
        OrderLine.sku,
        OrderLine.variant_id,
    )
    .join(OrderLine, OrderLine.id == ReturnLine.order_line_id)
    .where(OrderLine.order_id == bindparam("order_id"))
    .order_by(ReturnLine.return_id, OrderLine.position)
)
_pieces = select(func.sum(ReturnLine.quantity)).where(ReturnLine.return_id == ReturnRequest.id).correlate(ReturnRequest).scalar_subquery()
WORK = (
    select(*_columns, Order.number, Order.email, Order.currency, func.coalesce(_pieces, 0).label("pieces"))
    .join(Order, Order.id == ReturnRequest.order_id)
    .order_by(ReturnRequest.asked_at.desc(), ReturnRequest.id.desc())
)
COUNTS = select(ReturnRequest.state, func.count().label("number")).where(ReturnRequest.state.in_(UNDER_WAY)).group_by(ReturnRequest.state)


@dataclass(frozen=True, slots=True)
class ReturnView:
    """A return with its lines; ``number`` is how people call it: ``B7K4-4QX2-R1``."""

    id: int
    place: int
    number: str
    state: ReturnState
    reason: ReturnReason
    note: str
    answer: str
    refund: Money
    asked_by: str
    asked_at: datetime
    received_at: datetime | None
    refunded_at: datetime | None
    lines: tuple[Row[Any], ...]

    @property
    def can_be_withdrawn(self) -> bool:
        return ReturnState.WITHDRAWN in MOVES[self.state]

    @property
    def can_be_decided(self) -> bool:
        return ReturnState.APPROVED in MOVES[self.state]

    @property
    def can_be_received(self) -> bool:
        return ReturnState.RECEIVED in MOVES[self.state]


@dataclass(frozen=True, slots=True)
class Returnable:
    """What of an order may be asked back: pieces by line, and until when (None: it has not arrived yet)."""

    pieces: Mapping[int, int]
    until: date | None
    is_over: bool

    @property
    def is_open(self) -> bool:
        return bool(self.pieces) and not self.is_over


def list_returns(order: OrderView) -> list[ReturnView]:
    """The returns of an order, oldest first."""
    found = rows(OF_ORDER, order_id=order.id)
    lines = rows(LINES, order_id=order.id) if found else ()
    return [_view(one, order, [line for line in lines if line.return_id == one.id]) for one in found]


def get_return(order: OrderView, place: int) -> ReturnView:
    """One return of an order.

    Raises:
        NotFound: there is none of that number.
    """
    found = row(ONE, order_id=order.id, place=place)
    if found is None:
        raise NotFound(_("There is no such return."))
    return _view(found, order, [line for line in rows(LINES, order_id=order.id) if line.return_id == found.id])


def returnable(order: OrderView, *, at: datetime) -> Returnable:
    """What a customer may ask back now. Nothing that never left, nothing twice, nothing that is only data."""
    pieces = {line.id: line.may_return for line in reckon_lines(order.id).values() if line.requires_shipping and line.may_return}
    arrived = arrived_at(order)
    until = shop_day(arrived) + timedelta(days=return_days()) if arrived else None
    return Returnable(pieces, until, until is not None and shop_day(at) > until)


def arrived_at(order: OrderView) -> datetime | None:
    """When the last of it arrived, as far as we know.

    Source: Directive 2011/83/EU, article 9 (2)(b)(i): the period begins with the last piece.
    """
    return order.happened_at("delivered")


def list_return_work(state: ReturnState | None, *, limit: int = PAGE, cursor: str | None = None) -> Page[Row[Any]]:
    """Returns for staff, newest first."""
    statement = WORK if state is None else WORK.where(ReturnRequest.state == state)
    if cursor:
        moment, last_id = decode_cursor(cursor, str, int)
        statement = statement.where(
            tuple_(ReturnRequest.asked_at, ReturnRequest.id)
            < tuple_(bindparam(None, moment_in(moment), type_=ReturnRequest.asked_at.type), last_id)
        )
    found = rows(statement.limit(limit + 1))
    has_more, found = len(found) > limit, found[:limit]
    return Page(found, encode_cursor(found[-1].asked_at.isoformat(), found[-1].id) if has_more else None)


def count_returns() -> dict[ReturnState, int]:
    """How many wait for a decision, and how many for the goods."""
    return {found.state: int(found.number) for found in rows(COUNTS)}


def next_place(order_id: int) -> int:
    return int(scalar(select(func.coalesce(func.max(ReturnRequest.place), 0)).where(ReturnRequest.order_id == order_id)) or 0) + 1


def return_number(order_number: str, place: int) -> str:
    return f"{order_number}-R{place}"


def _view(found: Row[Any], order: OrderView, lines: Sequence[Row[Any]]) -> ReturnView:
    return ReturnView(
        id=found.id,
        place=found.place,
        number=return_number(order.number, found.place),
        state=found.state,
        reason=found.reason,
        note=found.note,
        answer=found.answer,
        refund=Money(found.refund_minor, order.total.currency),
        asked_by=found.asked_by,
        asked_at=found.asked_at,
        received_at=found.received_at,
        refunded_at=found.refunded_at,
        lines=tuple(lines),
    )
