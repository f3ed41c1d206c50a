"""The same for programs: ``/api/v1/orders``. Orders are placed by ``shop.checkout``."""

from __future__ import annotations

from flask.typing import ResponseReturnValue

from shop.clock import now
from shop.errors import IllegalMove, NotFound
from shop.order import bp
from shop.order.links import actor
from shop.order.queries import get_order, get_own_order, get_trace
from shop.order.schemas import CancelSchema, OrderQuerySchema, OrderSchema, dump_order, pay_url
from shop.order.services import cancel_order
from shop.web.api import describe, load_query
from shop.web.context import user
from shop.web.json import json_response, load_body

query, cancellation, answer = OrderQuerySchema(), CancelSchema(), OrderSchema()


@bp.get("/api/v1/orders/<number>")
@describe("An order, for the member who placed it, whoever has its key, and staff", query=query, answer=answer, errors=[NotFound])
def show_order_json(number: str) -> ResponseReturnValue:
    asked = load_query(query)
    order = get_own_order(number, asked.get("key", ""), user())
    dumped = dump_order(order, pay_url=pay_url(order))
    return json_response({**dumped, "trace": get_trace(order.id)} if asked["trace"] else dumped)


@bp.post("/api/v1/orders/<number>/cancellation")
@describe("Cancel an order while nothing has left", body=cancellation, query=query, answer=answer, errors=[NotFound, IllegalMove])
def cancel_json(number: str) -> ResponseReturnValue:
    order = get_own_order(number, load_query(query).get("key", ""), user(), "orders.cancel")
    wanted = load_body(cancellation)
    cancel_order(order.id, by=actor(order, user()), note=wanted["note"], at=now())
    order = get_order(number)
    return json_response(dump_order(order, pay_url=pay_url(order)))
