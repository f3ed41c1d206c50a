"""The same for programs: returns of an order, for the customer and for staff."""

from __future__ import annotations

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
from shop.order.api_staff import MOST_LINES, ActSchema, PiecesSchema
from shop.order.links import actor
from shop.order.queries import OrderView, get_order, get_own_order
from shop.order.returns.amounts import check_amount
from shop.order.returns.models import ReturnReason, ReturnState
from shop.order.returns.queries import PAGE, ReturnView, get_return, list_return_work, list_returns, return_number, returnable
from shop.order.returns.services import ask_return, decide_return, receive_return, withdraw_return
from shop.order.schemas import OrderQuerySchema
from shop.order.seen import act_if_unchanged
from shop.web.api import describe, load_query
from shop.web.context import user
from shop.web.fields import Flag, MoneyAmount, NumberText, ShopSchema, Text, WholeNumber
from shop.web.idempotency import idempotent
from shop.web.json import json_response, load_body
from shop.web.lists import Word
from shop.web.pagination import CURSOR_MAX


class ReturnAskSchema(ShopSchema):
    """What goes back (order lines and pieces), and why."""

    lines = fields.List(fields.Nested(PiecesSchema), required=True, validate=Length(min=1, max=MOST_LINES))
    reason = Word(ReturnReason, load_default=ReturnReason.WITHDRAWAL)
    note = Text(maximum=1000, multiline=True, load_default="")


class ReturnDecisionSchema(ActSchema):
    """``answer`` is what the customer reads."""

    approve = Flag(required=True)
    answer = Text(maximum=1000, multiline=True, load_default="")


class ReturnCameSchema(ShopSchema):
    """Pieces of an order line that came, and how many of these are for the shelf."""

    id = WholeNumber(low=1, required=True)
    received = WholeNumber(low=0, high=9999, required=True)
    restocked = WholeNumber(low=0, high=9999, load_default=0)


class ReturnReceiptSchema(ActSchema):
    """What came, and how much goes back."""

    lines = fields.List(fields.Nested(ReturnCameSchema), required=True, validate=Length(min=1, max=MOST_LINES))
    refund = MoneyAmount(required=True)
    answer = Text(maximum=1000, multiline=True, load_default="")


class ReturnLineSchema(ShopSchema):
    id = WholeNumber()
    name = Text()
    quantity = WholeNumber()
    received = WholeNumber()
    restocked = WholeNumber()


class ReturnSchema(ShopSchema):
    """A return; ``place`` counts within the order."""

    number = Text()
    place = WholeNumber()
    state = Text()
    reason = Text()
    note = Text()
    answer = Text()
    asked_at = Text()
    refund = MoneyAmount()
    lines = fields.List(fields.Nested(ReturnLineSchema))


class ReturnListSchema(ShopSchema):
    """The returns of an order; ``returnable`` says what may still be asked back, ``until`` the last day (null: it has not arrived)."""

    items = fields.List(fields.Nested(ReturnSchema))
    returnable = fields.List(fields.Nested(PiecesSchema))
    until = Text(allow_none=True)


class ReturnWorkQuerySchema(ShopSchema):
    state = Word(ReturnState, load_default=None)
    limit = NumberText(low=1, high=100, load_default=PAGE)
    cursor = Text(maximum=CURSOR_MAX, load_default=None)


class ReturnWorkItemSchema(ShopSchema):
    """A return in the list of staff; ``url`` has it whole."""

    number = Text()
    url = Text()
    state = Text()
    reason = Text()
    asked_at = Text()
    email = Text()
    pieces = WholeNumber()


class ReturnWorkListSchema(ShopSchema):
    """Newest first; ``next`` is the address of the following page, or null."""

    items = fields.List(fields.Nested(ReturnWorkItemSchema))
    next = Text(allow_none=True)


query, ask_body, decision, receipt, act_body = (
    OrderQuerySchema(),
    ReturnAskSchema(),
    ReturnDecisionSchema(),
    ReturnReceiptSchema(),
    ActSchema(),
)
answer, answers, work_query, work = ReturnSchema(), ReturnListSchema(), ReturnWorkQuerySchema(), ReturnWorkListSchema()
WHAT_MAY_STOP = [NotFound, IllegalMove, StaleVersion, Invalid]


@bp.get("/api/v1/orders/<number>/returns")
@describe("The returns of an order, and what may still be asked back", query=query, answer=answers, errors=[NotFound])
def list_returns_json(number: str) -> ResponseReturnValue:
    order = get_own_order(number, load_query(query).get("key", ""), user())
    allowed = returnable(order, at=now())
    pieces = [] if allowed.is_over else [{"id": line_id, "quantity": count} for line_id, count in allowed.pieces.items()]
    items = [_dump(found) for found in list_returns(order)]
    return json_response({"items": items, "returnable": pieces, "until": allowed.until.isoformat() if allowed.until else None})


@bp.post("/api/v1/orders/<number>/returns")
@describe("Ask for a return", query=query, body=ask_body, answer=answer, status=201, errors=[NotFound, IllegalMove, Invalid])
@idempotent(lambda: f"user:{current_user.id}" if current_user.is_authenticated else "guest")
def ask_for_return_json(number: str) -> ResponseReturnValue:
    order = get_own_order(number, load_query(query).get("key", ""), user(), "orders.return")
    wanted = load_body(ask_body)
    pieces = [(line["id"], line["quantity"]) for line in wanted["lines"]]
    place = ask_return(order.id, pieces, reason=wanted["reason"], note=wanted["note"], by=actor(order, user()), at=now())
    return json_response(_dump(get_return(order, place)), 201)


@bp.post("/api/v1/orders/<number>/returns/<int:place>/withdrawal")
@describe("Take a return back, while the goods have not arrived", query=query, answer=answer, errors=[NotFound, IllegalMove])
def take_back_return_json(number: str, place: int) -> ResponseReturnValue:
    order = get_own_order(number, load_query(query).get("key", ""), user(), "orders.return")
    withdraw_return(get_return(order, place).id, by=actor(order, user()), at=now())
    return json_response(_dump(get_return(order, place)))


@bp.post("/api/v1/orders/<number>/returns/<int:place>/decision")
@describe("Approve a return, or refuse it", body=decision, answer=answer, permission="orders.return", errors=WHAT_MAY_STOP)
def decide_return_json(number: str, place: int) -> ResponseReturnValue:
    order, wanted = get_order(number), load_body(decision)
    found = get_return(order, place)
    return _act(
        order,
        place,
        wanted["version"],
        lambda: decide_return(found.id, approve=wanted["approve"], answer=wanted["answer"], by=current_user.email, at=now()),
    )


@bp.post("/api/v1/orders/<number>/returns/<int:place>/receipt")
@describe("Say what came back; its money goes back once", body=receipt, answer=answer, permission="orders.return", errors=WHAT_MAY_STOP)
def receive_return_json(number: str, place: int) -> ResponseReturnValue:
    order, wanted = get_order(number), load_body(receipt)
    found = get_return(order, place)
    came = {line["id"]: (line["received"], line["restocked"]) for line in wanted["lines"]}
    minor = wanted["refund"].minor
    check_amount(order, found, came, minor, current_user)
    return _act(
        order,
        place,
        wanted["version"],
        lambda: receive_return(found.id, came, refund_minor=minor, answer=wanted["answer"], by=current_user.email, at=now()),
    )


@bp.get("/api/v1/returns")
@describe("Returns, newest first", query=work_query, answer=work, permission="orders.view", errors=[Invalid])
def list_return_work_json() -> ResponseReturnValue:
    chosen = load_query(work_query)
    page = list_return_work(chosen["state"], limit=chosen["limit"], cursor=chosen["cursor"])
    kept: dict[str, Any] = {name: str(chosen[name]) for name in ("state", "limit") if chosen[name]}
    following = url_for("order.list_return_work_json", **kept, cursor=page.next_cursor) if page.next_cursor else None
    return json_response({"items": [_dump_item(found) for found in page.items], "next": following})


def _act(order: OrderView, place: int, version: int | None, verb: Any) -> ResponseReturnValue:
    act_if_unchanged(order.id, version, verb)
    return json_response(_dump(get_return(get_order(order.number), place)))


def _dump_item(found: Any) -> dict[str, Any]:
    return {
        "number": return_number(found.number, found.place),
        "url": url_for("order.list_returns_json", number=found.number),
        "state": found.state.value,
        "reason": found.reason.value,
        "asked_at": found.asked_at.isoformat(),
        "email": found.email,
        "pieces": int(found.pieces),
    }


def _dump(found: ReturnView) -> dict[str, Any]:
    lines = [
        {
            "id": line.order_line_id,
            "name": line.name,
            "quantity": line.quantity,
            "received": line.received_quantity,
            "restocked": line.restocked_quantity,
        }
        for line in found.lines
    ]
    return {
        "number": found.number,
        "place": found.place,
        "state": found.state.value,
        "reason": found.reason.value,
        "note": found.note,
        "answer": found.answer,
        "asked_at": found.asked_at.isoformat(),
        "refund": Money(found.refund.minor, found.refund.currency).dump(),
        "lines": lines,
    }
