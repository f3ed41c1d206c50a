"""The same for programs: declare a withdrawal; for staff, the list and what was done."""

from __future__ import annotations

from typing import Any

from flask import url_for
from flask.typing import ResponseReturnValue
from flask_login import current_user
from marshmallow import fields

from shop.auth.current import network
from shop.auth.limits import count_try
from shop.clock import now
from shop.errors import IllegalMove, Invalid, NotFound, TooManyTries
from shop.order import bp
from shop.order.withdrawal.queries import PAGE, get_withdrawal, list_withdrawals
from shop.order.withdrawal.services import declare_withdrawal, handle_withdrawal, new_reference
from shop.web.api import describe, load_query
from shop.web.fields import Email, FlagText, NumberText, ShopSchema, Text
from shop.web.idempotency import idempotent
from shop.web.json import json_response, load_body
from shop.web.locale import current_locale
from shop.web.pagination import CURSOR_MAX


class WithdrawalAskSchema(ShopSchema):
    """Name, order, e-mail for the receipt, and which goods if it is about a part only."""

    name = Text(minimum=1, maximum=200, required=True)
    order_number = Text(minimum=1, maximum=60, required=True)
    email = Email(required=True)
    note = Text(maximum=1000, multiline=True, load_default="")


class WithdrawalReceiptSchema(ShopSchema):
    """The receipt; the same goes out by mail. It says nothing about whether there is such an order."""

    reference = Text()
    received_at = Text()


class WithdrawalItemSchema(WithdrawalReceiptSchema):
    """A declaration for staff; ``order`` is the order that it means, or null."""

    name = Text()
    order_number = Text()
    email = Text()
    note = Text()
    order = Text(allow_none=True)
    handled_at = Text(allow_none=True)
    handled_by = Text()
    outcome = Text()


class WithdrawalListSchema(ShopSchema):
    """Newest first; ``next`` is the address of the following page, or null."""

    items = fields.List(fields.Nested(WithdrawalItemSchema))
    next = Text(allow_none=True)


class WithdrawalQuerySchema(ShopSchema):
    open = FlagText(load_default=False)
    limit = NumberText(low=1, high=100, load_default=PAGE)
    cursor = Text(maximum=CURSOR_MAX, load_default=None)


class HandlingSchema(ShopSchema):
    outcome = Text(minimum=1, maximum=500, required=True)


body, receipt, item = WithdrawalAskSchema(), WithdrawalReceiptSchema(), WithdrawalItemSchema()
query, answers, handling = WithdrawalQuerySchema(), WithdrawalListSchema(), HandlingSchema()


@bp.post("/api/v1/withdrawals")
@describe("Withdraw from a contract; nobody must be logged in", body=body, answer=receipt, status=201, errors=[Invalid, TooManyTries])
@idempotent(lambda: f"network:{network()}")
def withdraw_json() -> ResponseReturnValue:
    wanted = load_body(body)
    count_try(f"order:{network()}", at=now())
    reference = declare_withdrawal(**wanted, locale=current_locale(), reference=new_reference(), at=now())
    found = get_withdrawal(reference)
    return json_response({"reference": reference, "received_at": found.received_at.isoformat()}, 201)


@bp.get("/api/v1/withdrawals")
@describe("Withdrawals, newest first", query=query, answer=answers, permission="orders.view", errors=[Invalid])
def list_withdrawals_json() -> ResponseReturnValue:
    chosen = load_query(query)
    page = list_withdrawals(is_open=chosen["open"], limit=chosen["limit"], cursor=chosen["cursor"])
    kept = {"open": "1" if chosen["open"] else None, "limit": chosen["limit"]}
    following = url_for("order.list_withdrawals_json", **kept, cursor=page.next_cursor) if page.next_cursor else None
    return json_response({"items": [_dump(found) for found in page.items], "next": following})


@bp.post("/api/v1/withdrawals/<reference>/handling")
@describe(
    "Say what was done about a withdrawal", body=handling, answer=item, permission="orders.return", errors=[NotFound, IllegalMove, Invalid]
)
def handle_withdrawal_json(reference: str) -> ResponseReturnValue:
    wanted = load_body(handling)
    handle_withdrawal(reference, outcome=wanted["outcome"], by=current_user.email, at=now())
    return json_response(_dump(get_withdrawal(reference)))


def _dump(found: Any) -> dict[str, Any]:
    return {
        **{name: getattr(found, name) for name in ("reference", "name", "order_number", "email", "note", "handled_by", "outcome")},
        "received_at": found.received_at.isoformat(),
        "handled_at": found.handled_at.isoformat() if found.handled_at else None,
        "order": found.number,
    }
