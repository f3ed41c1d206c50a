"""What staff works through: lists of orders by what is to be done with them, by state, day and words; and how many each holds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from enum import StrEnum
from typing import Any, cast
from zoneinfo import ZoneInfo

from flask import current_app
from sqlalchemy import ColumnElement, Row, Table, and_, bindparam, func, or_, select, tuple_

from shop.db import is_sqlite, row, rows
from shop.order.carriers import NAMES
from shop.order.lists import LIST, page_of_orders
from shop.order.models import FulfillmentState, Order, OrderAddress, OrderLine, OrderState, PaymentState, Shipment
from shop.order.numbers import read_number
from shop.web.pagination import Page

PAGE = 50
_orders = cast("Table", Order.__table__)
_is_open = _orders.c.state == OrderState.OPEN
_first = (
    select(OrderLine.name)
    .where(OrderLine.order_id == _orders.c.id)
    .order_by(OrderLine.position)
    .limit(1)
    .correlate(_orders)
    .scalar_subquery()
)
WORK = LIST.add_columns(func.coalesce(_first, "").label("first"))


class Task(StrEnum):
    """What is to be done with an order; ``agreed`` are all that were not canceled: what counts as sales."""

    PACK = "pack"
    SHIP = "ship"
    COUNTER = "counter"
    TRANSFER = "transfer"
    CHECKING = "checking"
    UNDERWAY = "underway"
    REFUND = "refund"
    AGREED = "agreed"


TASKS: dict[Task, ColumnElement[bool]] = {
    Task.PACK: and_(
        _is_open,
        _orders.c.payment_state.in_([PaymentState.PAID, PaymentState.AUTHORIZED]),
        _orders.c.fulfillment_state == FulfillmentState.UNFULFILLED,
    ),
    Task.SHIP: and_(
        _is_open,
        _orders.c.is_pickup.is_(False),
        _orders.c.fulfillment_state.in_([FulfillmentState.PACKED, FulfillmentState.PARTLY_SHIPPED]),
    ),
    Task.COUNTER: and_(_is_open, _orders.c.is_pickup.is_(True), _orders.c.fulfillment_state == FulfillmentState.PACKED),
    Task.TRANSFER: and_(_is_open, _orders.c.payment_state == PaymentState.UNPAID, _orders.c.payment_method == "bank_transfer"),
    Task.CHECKING: and_(_is_open, _orders.c.payment_state == PaymentState.CHECKING),
    Task.UNDERWAY: and_(_is_open, _orders.c.fulfillment_state == FulfillmentState.SHIPPED),
    Task.REFUND: and_(_orders.c.state == OrderState.CANCELED, _orders.c.payment_state == PaymentState.PAID),
    Task.AGREED: _orders.c.state != OrderState.CANCELED,
}
COUNTS = select(
    *(func.count().filter(condition).label(task.value) for task, condition in TASKS.items() if task is not Task.AGREED),
    func.min(_orders.c.placed_at).filter(TASKS[Task.PACK]).label("oldest_to_pack"),
    func.min(_orders.c.placed_at).filter(TASKS[Task.TRANSFER]).label("oldest_transfer"),
).where(or_(_is_open, TASKS[Task.REFUND]))
CARRIERS = select(Shipment.carrier).where(Shipment.carrier != "").order_by(Shipment.id.desc()).limit(200)
NEIGHBORS = {
    "newer": select(_orders.c.number)
    .where(tuple_(_orders.c.placed_at, _orders.c.id) > tuple_(bindparam("placed_at", type_=_orders.c.placed_at.type), bindparam("id")))
    .order_by(_orders.c.placed_at, _orders.c.id)
    .limit(1),
    "older": select(_orders.c.number)
    .where(tuple_(_orders.c.placed_at, _orders.c.id) < tuple_(bindparam("placed_at", type_=_orders.c.placed_at.type), bindparam("id")))
    .order_by(_orders.c.placed_at.desc(), _orders.c.id.desc())
    .limit(1),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """Which orders; everything that is not None must hold. Days are those of the shop's time zone, both included."""

    task: Task | None = None
    state: OrderState | None = None
    payment: PaymentState | None = None
    fulfillment: FulfillmentState | None = None
    since: date | None = None
    until: date | None = None
    search: str = ""


def list_work(wanted: Wanted, *, limit: int = PAGE, cursor: str | None = None) -> Page[Row[Any]]:
    """Orders, newest first."""
    return page_of_orders(WORK.where(*_conditions(wanted)), limit, cursor)


def count_work() -> Row[Any]:
    """How many orders wait for each task, by its name, and since when the oldest waits."""
    counted = row(COUNTS)
    assert counted is not None
    return counted


def list_carriers() -> Sequence[str]:
    """Who carried parcels lately, then those whose parcels can be followed: offered when the next one is written."""
    lately = list(dict.fromkeys(found.carrier for found in rows(CARRIERS)))[:12]
    return list(dict.fromkeys([*lately, *NAMES]))


def find_neighbors(order: Any) -> dict[str, str | None]:
    """The numbers of the orders placed right after and right before."""
    found = {name: row(statement, placed_at=order.placed_at, id=order.id) for name, statement in NEIGHBORS.items()}
    return {name: one.number if one else None for name, one in found.items()}


def first_moment(day: date) -> datetime:
    """When a day begins where the shop is."""
    return datetime.combine(day, time(), ZoneInfo(current_app.extensions["config"].timezone))


def _conditions(wanted: Wanted) -> list[ColumnElement[bool]]:
    exact = {_orders.c.state: wanted.state, _orders.c.payment_state: wanted.payment, _orders.c.fulfillment_state: wanted.fulfillment}
    found = [column == value for column, value in exact.items() if value is not None]
    if wanted.task:
        found.append(TASKS[wanted.task])
    if wanted.since:
        found.append(_orders.c.placed_at >= first_moment(wanted.since))
    if wanted.until:
        found.append(_orders.c.placed_at < first_moment(wanted.until + timedelta(days=1)))
    if wanted.search.strip():
        found.append(_matches(wanted.search.strip()))
    return found


def _matches(text: str) -> ColumnElement[bool]:
    """A whole number or its beginning, the beginning of an e-mail, any part of a name."""
    if number := read_number(text):
        return _orders.c.number == number
    fold = func.casefold if is_sqlite() else func.lower
    folded = text.casefold() if is_sqlite() else text.lower()
    named = select(OrderAddress.order_id).where(fold(OrderAddress.name).contains(folded, autoescape=True))
    return or_(
        _orders.c.number.startswith(text.upper(), autoescape=True),
        _orders.c.email.startswith(text.lower(), autoescape=True),
        _orders.c.id.in_(named),
    )
