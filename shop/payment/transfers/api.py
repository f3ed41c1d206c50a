"""Transfers for programs of the staff: hand in the bank's list, read what waits, say whose it is, lay it aside."""

from __future__ import annotations

from typing import Any

from flask import current_app
from flask.typing import ResponseReturnValue
from flask_login import current_user
from marshmallow import fields
from sqlalchemy import Row

from shop.clock import now
from shop.errors import IllegalMove, Invalid, NotFound
from shop.money import Money
from shop.payment import bp
from shop.payment.transfers.files import read_bank_file
from shop.payment.transfers.services import assign_transfer, dismiss_transfer, import_transfers, list_open_transfers
from shop.web.api import describe
from shop.web.fields import MoneyAmount, ShopSchema, Text, WholeNumber
from shop.web.idempotency import idempotent
from shop.web.json import json_response, load_body


class ListSchema(ShopSchema):
    """The bank's list as it came, CSV or camt.053."""

    list = Text(maximum=500_000, minimum=1, multiline=True, is_code=True, required=True)


class MatchedSchema(ShopSchema):
    """How many transfers paid an order, wait for a person, or were known before."""

    paid = WholeNumber()
    open = WholeNumber()
    known = WholeNumber()


class TransferSchema(ShopSchema):
    """A transfer that paid nothing yet, and why."""

    id = WholeNumber()
    booked_on = Text()
    amount = MoneyAmount()
    payer = Text()
    text = Text()
    problem = Text()


class TransfersSchema(ShopSchema):
    """Oldest first, 200 at most."""

    items = fields.List(fields.Nested(TransferSchema))


class AssignmentSchema(ShopSchema):
    """The number of the order that it pays."""

    number = Text(maximum=20, minimum=1, required=True)


class DismissalSchema(ShopSchema):
    """Why it pays no order."""

    note = Text(maximum=200, load_default="")


body, matched, waiting, assignment, dismissal = ListSchema(), MatchedSchema(), TransfersSchema(), AssignmentSchema(), DismissalSchema()


@bp.get("/api/v1/transfers")
@describe("Transfers that paid no order yet", answer=waiting, permission="payments.edit")
def list_transfers_json() -> ResponseReturnValue:
    return json_response({"items": [_dump(found) for found in list_open_transfers()]})


@bp.post("/api/v1/transfers")
@describe("Match the bank's list with orders", body=body, answer=matched, permission="payments.edit", errors=[Invalid])
@idempotent(lambda: f"user:{current_user.id}")
def take_list_json() -> ResponseReturnValue:
    wanted = load_body(body)
    incoming = read_bank_file(wanted["list"].encode(), currency=current_app.extensions["config"].currency)
    found = import_transfers(incoming, by=current_user.email, at=now())
    return json_response({"paid": found.paid, "open": found.open, "known": found.known})


@bp.post("/api/v1/transfers/<int:transfer_id>/assignment")
@describe(
    "Say which order a transfer pays", body=assignment, answer=waiting, permission="payments.edit", errors=[NotFound, IllegalMove, Invalid]
)
def assign_json(transfer_id: int) -> ResponseReturnValue:
    assign_transfer(transfer_id, load_body(assignment)["number"], by=current_user.email, at=now())
    return list_transfers_json()


@bp.post("/api/v1/transfers/<int:transfer_id>/dismissal")
@describe("Lay a transfer aside", body=dismissal, answer=waiting, permission="payments.edit", errors=[NotFound, IllegalMove])
def dismiss_json(transfer_id: int) -> ResponseReturnValue:
    dismiss_transfer(transfer_id, load_body(dismissal)["note"], by=current_user.email)
    return list_transfers_json()


def _dump(found: Row[Any]) -> dict[str, Any]:
    return {
        "id": found.id,
        "booked_on": found.booked_on.isoformat(),
        "amount": Money(found.amount_minor, found.currency).dump(),
        "payer": found.payer,
        "text": found.text,
        "problem": found.problem,
    }
