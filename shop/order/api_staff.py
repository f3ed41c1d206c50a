"""Orders for programs of the staff: the list that is worked through, and the acts that move an order along. The rest stands in ``api``."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from flask import url_for
from flask.typing import ResponseReturnValue
from flask_login import current_user
from marshmallow import fields
from marshmallow.validate import Length

from shop.clock import now
from shop.errors import IllegalMove, Invalid, NotFound, StaleVersion
from shop.money import Money
from shop.order import bp
from shop.order.models import FulfillmentState, OrderState, PaymentState
from shop.order.queries import get_order
from shop.order.schemas import OrderSchema, dump_order, pay_url
from shop.order.seen import act_if_unchanged
from shop.order.services import mark_delivered, mark_packed, ship_order
from shop.order.standing import owed_of
from shop.order.worklist import PAGE, Task, Wanted, list_work
from shop.web.api import describe, load_query
from shop.web.fields import MoneyAmount, NumberText, ShopSchema, Text, Url, WholeNumber
from shop.web.idempotency import idempotent
from shop.web.json import json_response, load_body
from shop.web.lists import Day, Word
from shop.web.pagination import CURSOR_MAX

MOST_LINES = 200
WHAT_MAY_STOP = [NotFound, IllegalMove, StaleVersion]


class WorkQuerySchema(ShopSchema):
    """Which orders; days are those of the shop's time zone."""

    task = Word(Task, load_default=None)
    state = Word(OrderState, load_default=None)
    payment = Word(PaymentState, load_default=None)
    fulfillment = Word(FulfillmentState, load_default=None)
    since = Day(load_default=None)
    until = Day(load_default=None)
    q = Text(maximum=200, load_default="")
    limit = NumberText(low=1, high=100, load_default=PAGE)
    cursor = Text(maximum=CURSOR_MAX, load_default=None)


class WorkItemSchema(ShopSchema):
    """An order in the list; ``url`` is the whole order as JSON."""

    number = Text()
    url = Text()
    placed_at = Text()
    email = Text()
    name = Text()
    pieces = WholeNumber()
    state = Text()
    payment = Text()
    fulfillment = Text()
    payment_method = Text()
    is_pickup = fields.Boolean()
    total = MoneyAmount()
    refunded = MoneyAmount(metadata={"description": "what went back so far"})
    owed = MoneyAmount(metadata={"description": "what is still to pay; below zero the shop owes it to the customer"})


class WorkListSchema(ShopSchema):
    """Newest first; ``next`` is the address of the following page, or null."""

    items = fields.List(fields.Nested(WorkItemSchema))
    next = Text(allow_none=True)


class ActSchema(ShopSchema):
    """``version`` is the order's as it was read: the act is refused when it has moved since. Left out, nothing is compared."""

    version = WholeNumber(low=1, load_default=None)


class PiecesSchema(ShopSchema):
    """Pieces of one line of the order."""

    id = WholeNumber(low=1, required=True)
    quantity = WholeNumber(low=1, high=9999, required=True)


class ShipmentSchema(ActSchema):
    """A parcel. Without ``lines`` it holds all that is left."""

    carrier = Text(maximum=60, load_default="")
    tracking_number = Text(maximum=100, is_code=True, load_default="")
    tracking_url = Url(load_default="")
    lines = fields.List(fields.Nested(PiecesSchema), load_default=list, validate=Length(max=MOST_LINES))


query, work, act_body, shipment, answer = WorkQuerySchema(), WorkListSchema(), ActSchema(), ShipmentSchema(), OrderSchema()


@bp.get("/api/v1/orders")
@describe("The orders, newest first", query=query, answer=work, permission="orders.view", errors=[Invalid])
def list_orders_json() -> ResponseReturnValue:
    chosen = load_query(query)
    limit, cursor, search = chosen.pop("limit"), chosen.pop("cursor"), chosen.pop("q")
    page = list_work(Wanted(**chosen, search=search), limit=limit, cursor=cursor)
    following = None
    if page.next_cursor:
        kept: dict[str, Any] = {name: str(value) for name, value in {**chosen, "q": search, "limit": limit}.items() if value}
        following = url_for("order.list_orders_json", **kept, cursor=page.next_cursor)
    return json_response({"items": [_dump_item(order) for order in page.items], "next": following})


@bp.post("/api/v1/orders/<number>/packing")
@describe("Mark an order as packed", body=act_body, answer=answer, permission="orders.fulfill", errors=WHAT_MAY_STOP)
def pack_json(number: str) -> ResponseReturnValue:
    wanted = load_body(act_body)
    return act_json(number, wanted["version"], mark_packed)


@bp.post("/api/v1/orders/<number>/shipments")
@describe(
    "Send a parcel with some or all pieces",
    body=shipment,
    answer=answer,
    status=201,
    permission="orders.fulfill",
    errors=[*WHAT_MAY_STOP, Invalid],
)
@idempotent(lambda: f"user:{current_user.id}")
def ship_json(number: str) -> ResponseReturnValue:
    wanted = load_body(shipment)
    pieces = [(line["id"], line["quantity"]) for line in wanted["lines"]]

    def send(order_id: int, **who: Any) -> int:
        return ship_order(order_id, pieces, wanted["carrier"], wanted["tracking_number"], wanted["tracking_url"], **who)

    return act_json(number, wanted["version"], send, status=201)


@bp.post("/api/v1/orders/<number>/delivery")
@describe(
    "Mark an order as delivered, or as collected at the counter",
    body=act_body,
    answer=answer,
    permission="orders.fulfill",
    errors=WHAT_MAY_STOP,
)
def deliver_json(number: str) -> ResponseReturnValue:
    wanted = load_body(act_body)
    return act_json(number, wanted["version"], mark_delivered)


def act_json(
    number: str,
    version: int | None,
    verb: Callable[..., object],
    *,
    status: int = 200,
    guard: Callable[..., object] = act_if_unchanged,
) -> ResponseReturnValue:
    """Do ``verb`` on the order if it is as the program read it; answer with the order as it is then."""
    order = get_order(number)
    guard(order.id, version, lambda: verb(order.id, by=current_user.email, at=now()))
    order = get_order(number)
    return json_response(dump_order(order, pay_url=pay_url(order)), status)


def _dump_item(order: Any) -> dict[str, Any]:
    return {
        "number": order.number,
        "url": url_for("order.show_order_json", number=order.number),
        "placed_at": order.placed_at.isoformat(),
        "email": order.email,
        "name": order.name,
        "pieces": int(order.pieces),
        "state": order.state.value,
        "payment": order.payment_state.value,
        "fulfillment": order.fulfillment_state.value,
        "payment_method": order.payment_method,
        "is_pickup": order.is_pickup,
        "total": Money(order.total_minor, order.currency).dump(),
        "refunded": Money(order.refunded_minor, order.currency).dump(),
        "owed": owed_of(order).dump(),
    }
