"""Reading what is new: events after the last one, and the orders that they are about, as these stand now.

Numbers of events are given before their transactions end, so that a smaller one may appear after a larger one was exported. Numbers that are missing are
therefore looked for again for a day.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import BindParameter, Row, bindparam, func, select

from shop.analytics.models import AnalyticsTarget
from shop.db import row, rows, scalar
from shop.order.models import AddressKind, Order, OrderAddress, OrderLine
from shop.outbox import Happened
from shop.outbox.envelope import envelope_of
from shop.outbox.models import Event
from shop.payment.models import Payment, Refund

AT_ONCE = 500
LOOKED_FOR = timedelta(days=1)
LATEST = 1000

Rows = dict[str, list[dict[str, Any]]]

TARGET = select(*AnalyticsTarget.__table__.c).where(AnalyticsTarget.name == bindparam("name"))
TARGETS = select(*AnalyticsTarget.__table__.c).order_by(AnalyticsTarget.name)
_event = select(Event.id, Event.kind, Event.subject, Event.payload, Event.at, Event.public_id).order_by(Event.id)
NEW = _event.where(Event.id > bindparam("position")).limit(AT_ONCE)
LATE = _event.where(Event.id.in_(bindparam("ids", expanding=True)))
BEFORE = select(func.max(Event.id)).where(Event.at < bindparam("since"))
FIRST_SINCE = select(func.min(Event.id)).where(Event.at >= bindparam("since"))
_ids: BindParameter[Any] = bindparam("ids", expanding=True)
ORDERS = (
    select(
        *(
            getattr(Order, name)
            for name in (
                "id", "number", "customer_id", "state", "payment_state", "fulfillment_state", "placed_at", "canceled_at", "locale", "payment_method",
                "shipping_method", "is_pickup", "is_demo", "currency", "subtotal_minor", "discount_minor", "shipping_minor", "tax_minor",
                "total_minor", "prices_include_tax", "revision",
            )
        ),
        OrderAddress.country,
    )
    .outerjoin(OrderAddress, (OrderAddress.order_id == Order.id) & (OrderAddress.kind == AddressKind.SHIPPING))
    .where(Order.id.in_(_ids))
    .order_by(Order.id)
)  # fmt: skip
LINES = select(*OrderLine.__table__.c).where(OrderLine.order_id.in_(_ids)).order_by(OrderLine.order_id, OrderLine.position)
PAYMENTS = (
    select(
        Payment.id,
        Payment.order_id,
        Payment.gateway,
        Payment.state,
        Payment.currency,
        Payment.amount_minor,
        Payment.captured_minor,
        Payment.refunded_minor,
        Payment.created_at,
        Payment.settled_at,
    )
    .where(Payment.order_id.in_(_ids))
    .order_by(Payment.id)
)
REFUNDS = (
    select(Refund.payment_id, Refund.state, Refund.amount_minor, Refund.created_at)
    .join(Payment, Payment.id == Refund.payment_id)
    .where(Payment.order_id.in_(_ids))
    .order_by(Refund.id)
)


@dataclass(frozen=True)
class Batch:
    """What is loaded at once: rows by table. ``number`` is the same when it is tried again; ``gone`` are pseudonyms of people who were erased."""

    number: int
    rows: Rows
    gone: tuple[str, ...] = ()

    @property
    def is_empty(self) -> bool:
        return not any(self.rows.values()) and not self.gone


@dataclass(frozen=True)
class Piece:
    """Some events and the orders that they touch. ``customer_ids`` bought them; ``position`` and ``late`` count once it is loaded."""

    rows: Rows
    customer_ids: frozenset[int]
    position: int
    late: dict[str, Any]
    has_more: bool
    orders: Sequence[Row[Any]] = field(default=(), repr=False)


def list_targets() -> Sequence[Row[Any]]:
    """Every target with its position."""
    return rows(TARGETS)


def get_target(name: str) -> Row[Any]:
    """A target that is known."""
    found = row(TARGET, name=name)
    assert found is not None
    return found


def position_before(since: datetime) -> int:
    """The last event before the first one that happened at ``since`` or later; all events where none did."""
    first = scalar(FIRST_SINCE, since=since)
    return int(first) - 1 if first is not None else int(scalar(BEFORE, since=since) or 0)


def read_piece(target: Row[Any], *, at: datetime) -> Piece:
    """The next events after the target's position, and those that came late."""
    new = rows(NEW, position=target.position)
    late_ids = [int(number) for number in target.late]
    came_late = rows(LATE, ids=late_ids) if late_ids else []
    events = [*came_late, *new]
    order_ids = sorted({int(event.payload["order_id"]) for event in events if event.payload.get("order_id") is not None})
    orders = rows(ORDERS, ids=order_ids) if order_ids else []
    has_more = len(new) == AT_ONCE
    position = new[-1].id if new else target.position
    late = _still_late(target, {event.id for event in events}, position, at=at)
    return Piece(
        {"events": _events(events, at), **_about_orders(orders, at)},
        frozenset(order.customer_id for order in orders if order.customer_id is not None),
        position,
        late,
        has_more,
        orders,
    )


def _still_late(target: Row[Any], found: set[int], position: int, *, at: datetime) -> dict[str, Any]:
    """Which numbers are missing and may still come: those of a day, none of history."""
    kept = {number: until for number, until in target.late.items() if int(number) not in found and until > moment(at)}
    begin = max(target.position, position - LATEST) + 1 if target.position else position  # what is missing at the first export was deleted
    missing = [number for number in range(begin, position) if number not in found]
    until = moment(at + LOOKED_FOR)
    return {**{str(number): until for number in missing}, **kept}


def _events(events: Sequence[Row[Any]], at: datetime) -> list[dict[str, Any]]:
    found = []
    for event in events:
        envelope = envelope_of(Happened(event.id, event.kind, event.subject, event.payload, event.at, event.public_id))
        if envelope is not None:
            dumped = envelope.dump()
            known = {name: dumped[name] for name in ("id", "shop", "kind", "subject", "at", "version")}
            found.append({**known, "data": json.dumps(dumped["data"], ensure_ascii=False, sort_keys=True), "exported_at": moment(at)})
    return found


def _about_orders(orders: Sequence[Row[Any]], at: datetime) -> Rows:
    if not orders:
        return {}
    ids, numbers = [order.id for order in orders], {order.id: order.number for order in orders}
    currencies, exported = {order.id: order.currency for order in orders}, {"exported_at": moment(at)}
    payments, names = _payments(rows(PAYMENTS, ids=ids), numbers)
    of_payment = {payment["payment"]: payment for payment in payments}
    refunds: list[dict[str, Any]] = []
    counts: defaultdict[str, int] = defaultdict(int)
    for refund in rows(REFUNDS, ids=ids):
        payment = of_payment[names[refund.payment_id]]
        counts[payment["payment"]] += 1
        refunds.append(_refund(refund, payment, counts[payment["payment"]]))
    lines = [_line(line, numbers[line.order_id], currencies[line.order_id]) for line in rows(LINES, ids=ids)]
    tables = {"orders": [_order(order) for order in orders], "order_lines": lines, "payments": payments, "refunds": refunds}
    return {name: [{**one, **exported} for one in found] for name, found in tables.items()}


def _order(order: Row[Any]) -> dict[str, Any]:
    same = ("number", "locale", "country", "payment_method", "shipping_method", "is_pickup", "is_demo", "currency", "subtotal_minor",
            "discount_minor", "shipping_minor", "tax_minor", "total_minor", "prices_include_tax", "revision")  # fmt: skip
    return {
        **{name: getattr(order, name) for name in same},
        "customer": None,  # put in by ``people``
        "state": order.state.value,
        "payment": order.payment_state.value,
        "fulfillment": order.fulfillment_state.value,
        "placed_at": moment(order.placed_at),
        "canceled_at": moment(order.canceled_at),
    }


def _line(line: Row[Any], number: str, currency: str) -> dict[str, Any]:
    same = (
        "sku",
        "name",
        "options",
        "quantity",
        "unit_price_minor",
        "discount_minor",
        "net_minor",
        "tax_minor",
        "gross_minor",
        "tax_rate_ppm",
    )
    return {
        **{name: getattr(line, name) for name in same},
        "line": f"{number}-{line.position}",
        "order_number": number,
        "currency": currency,
        "shipped": line.shipped_quantity,
        "canceled": line.canceled_quantity,
        "returned": line.returned_quantity,
    }


def _payments(found: Sequence[Row[Any]], numbers: dict[int, str]) -> tuple[list[dict[str, Any]], dict[int, str]]:
    """Payments, and what each is called outside: the order's number and a count."""
    payments, names = [], {}
    counts: defaultdict[int, int] = defaultdict(int)
    for one in found:
        counts[one.order_id] += 1
        names[one.id] = f"{numbers[one.order_id]}-{counts[one.order_id]}"
        same = ("gateway", "currency", "amount_minor", "captured_minor", "refunded_minor")
        payments.append(
            {
                **{name: getattr(one, name) for name in same},
                "payment": names[one.id],
                "order_number": numbers[one.order_id],
                "state": one.state.value,
                "created_at": moment(one.created_at),
                "settled_at": moment(one.settled_at),
            }
        )
    return payments, names


def _refund(refund: Row[Any], payment: dict[str, Any], count: int) -> dict[str, Any]:
    return {
        "refund": f"{payment['payment']}-{count}",
        "payment": payment["payment"],
        "order_number": payment["order_number"],
        "state": refund.state.value,
        "currency": payment["currency"],
        "amount_minor": refund.amount_minor,
        "created_at": moment(refund.created_at),
    }


def moment(at: datetime | None) -> str | None:
    """UTC as RFC 3339 writes it, with milliseconds; texts of it sort as moments do."""
    return None if at is None else at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
