"""What the world outside hears of an order: its number, states, sums and goods as they stand when it is told; nobody's name, address or note."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, cast

from flask import Flask
from sqlalchemy import Row, Table, bindparam, select

from shop.db import row, rows
from shop.errors import N_
from shop.money import Money
from shop.order.models import AddressKind, Order, OrderAddress, OrderLine
from shop.order.returns.queries import return_number
from shop.outbox import Happened
from shop.outbox.envelope import Told, publish

MOST_LINES = 200
"""So many fit into a message of 256 kB, whatever they are called."""

SAYS = {
    "order.placed": N_("A customer placed an order."),
    "order.edited": N_("Staff changed the order; `difference` is what it costs more or, below zero, less."),
    "order.canceled": N_("The order was canceled; `was_paid` says that money goes back."),
    "order.expired": N_("Nobody paid in time; the goods went back into stock."),
    "order.reopened": N_("The money came after all, and the goods were still there."),
    "order.paid": N_("The money is there."),
    "order.partly_refunded": N_("A part of the money went back."),
    "order.refunded": N_("All of the money went back."),
    "order.packed": N_("The goods are packed; who collects them may come."),
    "order.shipped": N_("A parcel left; `is_last` says that nothing is left to send."),
    "order.parcel_delivered": N_("One of the parcels arrived."),
    "order.delivered": N_("The goods arrived or were collected."),
    "order.return_asked": N_("The customer asks to send goods back; `return` is its number."),
    "order.return_approved": N_("Staff agreed to the return."),
    "order.return_refused": N_("Staff refused the return."),
    "order.return_withdrawn": N_("The customer keeps the goods after all."),
    "order.return_received": N_("The goods came back."),
    "withdrawal.declared": N_("The customer withdrew from the contract, as the law allows."),
}

_orders = cast("Table", Order.__table__)
ORDER = (
    select(*(column for column in _orders.c if column.name not in {"trace", "email", "note", "vat_number"}), OrderAddress.country)
    .outerjoin(OrderAddress, (OrderAddress.order_id == _orders.c.id) & (OrderAddress.kind == AddressKind.SHIPPING))
    .where(_orders.c.id == bindparam("order_id"))
)
LINES = (
    select(
        OrderLine.sku,
        OrderLine.name,
        OrderLine.options,
        OrderLine.quantity,
        OrderLine.shipped_quantity,
        OrderLine.canceled_quantity,
        OrderLine.returned_quantity,
        OrderLine.unit_price_minor,
        OrderLine.gross_minor,
    )
    .where(OrderLine.order_id == bindparam("order_id"))
    .order_by(OrderLine.position)
)


def init_app(app: Flask) -> None:
    """Publish what may be heard of orders."""
    for kind, says in SAYS.items():
        publish(app, kind, tell_of_order, says=says)


def tell_of_order(event: Happened, **more: Any) -> Told | None:
    """The order, what is special to this event, and ``by``: the customer, staff or the shop itself. None for a withdrawal that means no order of ours."""
    order = row(ORDER, order_id=event.payload["order_id"]) if event.payload["order_id"] is not None else None
    if order is None:
        return None
    return Told(f"order:{order.number}", {"order": _dump(order), **_facts(event.payload, order), **more})


def _facts(payload: dict[str, Any], order: Row[Any]) -> dict[str, Any]:
    facts: dict[str, Any] = {name: payload[name] for name in ("was_paid", "is_last", "revision") if name in payload}
    if "difference_minor" in payload:
        facts["difference"] = Money(payload["difference_minor"], order.currency).dump()
    if "return_id" in payload:
        facts["return"] = return_number(order.number, payload["place"])
    if "by" in payload:
        facts["by"] = payload["by"] if payload["by"] in {"customer", "shop"} else "staff"
    return facts


def _dump(order: Row[Any]) -> dict[str, Any]:
    lines = rows(LINES, order_id=order.id)
    sums = ("subtotal", "discount", "shipping", "tax", "total")
    return {
        "number": order.number,
        "version": order.version,
        "revision": order.revision,
        "state": order.state.value,
        "payment": order.payment_state.value,
        "fulfillment": order.fulfillment_state.value,
        "placed_at": _moment(order.placed_at),
        "locale": order.locale,
        "country": order.country,
        "payment_method": order.payment_method,
        "shipping_method": order.shipping_method,
        "is_pickup": order.is_pickup,
        **{name: Money(getattr(order, f"{name}_minor"), order.currency).dump() for name in sums},
        "lines": [_dump_line(line, order.currency) for line in lines[:MOST_LINES]],
        "lines_left_out": max(0, len(lines) - MOST_LINES),
    }


def _dump_line(line: Row[Any], currency: str) -> dict[str, Any]:
    return {
        "sku": line.sku,
        "name": line.name,
        "options": line.options,
        "quantity": line.quantity,
        "shipped": line.shipped_quantity,
        "canceled": line.canceled_quantity,
        "returned": line.returned_quantity,
        "unit_price": Money(line.unit_price_minor, currency).dump(),
        "total": Money(line.gross_minor, currency).dump(),
    }


def _moment(at: datetime) -> str:
    return at.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
