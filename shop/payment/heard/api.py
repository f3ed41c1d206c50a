"""What gateways said, for programs of the staff; and asking one again."""

from __future__ import annotations

from flask import current_app, url_for
from flask.typing import ResponseReturnValue
from marshmallow import fields

from shop.clock import now
from shop.errors import IllegalMove, NotFound
from shop.order.queries import get_order
from shop.payment import bp
from shop.payment.api_staff import check_own, dump_money, money
from shop.payment.heard.admin import HeardFilters
from shop.payment.heard.queries import list_messages, list_mismatches
from shop.payment.inbox import revive_message
from shop.payment.services import settle
from shop.web.api import describe, load_query
from shop.web.fields import ShopSchema, Text, WholeNumber
from shop.web.json import json_response


class GatewayMessageSchema(ShopSchema):
    """A message, once per event of its gateway; ``note`` says why it was ignored or given up after ``tries``, ``order`` which order it is about, or null."""

    id = WholeNumber()
    gateway = Text()
    event = Text()
    kind = Text()
    state = Text()
    note = Text()
    tries = WholeNumber()
    order = Text(allow_none=True)
    at = Text()


class MismatchSchema(ShopSchema):
    """An attempt for which another amount or currency was taken than was asked; ``error`` names both."""

    payment = WholeNumber()
    order = Text()
    gateway = Text()
    reference = Text(allow_none=True)
    error = Text()
    at = Text()


class GatewayMessageListSchema(ShopSchema):
    """Messages, newest first; ``next`` is the address of those before them."""

    items = fields.List(fields.Nested(GatewayMessageSchema))
    mismatches = fields.List(fields.Nested(MismatchSchema))
    next = Text(allow_none=True)


class HeardQuerySchema(HeardFilters):
    """What to look for; an unknown parameter is refused here."""

    class Meta:
        unknown = "raise"


query, listing = HeardQuerySchema(exclude=("q",)), GatewayMessageListSchema()


@bp.get("/api/v1/gateway-messages")
@describe("What gateways said, and amounts that do not fit", query=query, answer=listing, permission="payments.edit")
def list_heard_json() -> ResponseReturnValue:
    asked = load_query(query)
    page = list_messages(state=asked["state"], cursor=asked["cursor"])
    items = [
        {
            "id": found.id,
            "gateway": found.gateway,
            "event": found.event_id,
            "kind": found.kind,
            "state": found.state.value,
            "note": found.note,
            "tries": found.tries,
            "order": found.number,
            "at": found.received_at.isoformat(),
        }
        for found in page.items
    ]
    mismatches = [
        {
            "payment": found.id,
            "order": found.number,
            "gateway": found.gateway,
            "reference": found.reference,
            "error": found.error,
            "at": found.settled_at.isoformat(),
        }
        for found in list_mismatches()
    ]
    kept = {name: value for name, value in {**asked, "cursor": page.next_cursor}.items() if value}
    more = url_for("payment.list_heard_json", **kept) if page.next_cursor else None
    return json_response({"items": items, "mismatches": mismatches, "next": more})


@bp.post("/api/v1/gateway-messages/<int:message_id>/attempts")
@describe("Have a message that was given up tried again", status=204, permission="payments.edit", errors=[NotFound, IllegalMove])
def try_again_json(message_id: int) -> ResponseReturnValue:
    revive_message(message_id, at=now())
    return current_app.response_class(status=204)


@bp.post("/api/v1/orders/<number>/payments/<int:payment_id>/question")
@describe("Ask the gateway how an attempt stands", answer=money, permission="payments.edit", errors=[NotFound])
def ask_again_json(number: str, payment_id: int) -> ResponseReturnValue:
    order = get_order(number)
    check_own(order, payment_id)
    settle(payment_id, anew=True, at=now())
    return json_response(dump_money(get_order(number)))
