"""Changing orders by programs of the staff: edits, words to the customer, parcels that arrived."""

from __future__ import annotations

from typing import Any

from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from marshmallow import fields
from marshmallow.validate import Length

from shop.customer.addresses import WrongAddress, clean_address
from shop.customer.values import AddressValues
from shop.errors import IllegalMove, Invalid, NotFound, OutOfStock, StaleVersion
from shop.order import bp
from shop.order.api_staff import MOST_LINES, ActSchema, act_body, act_json
from shop.order.changes.services import Edit, edit_order
from shop.order.parcels import mark_parcel_delivered
from shop.order.schemas import OrderSchema
from shop.order.services import record_entry, write_message
from shop.web.api import describe
from shop.web.fields import Flag, ShopSchema, Text, WholeNumber
from shop.web.json import load_body

WHAT_MAY_STOP = [NotFound, IllegalMove, StaleVersion, Invalid]


class KeptPiecesSchema(ShopSchema):
    """A line of the order, and how many pieces of it are to remain."""

    id = WholeNumber(low=1, required=True)
    quantity = WholeNumber(low=0, high=9999, required=True)


class AddedPiecesSchema(ShopSchema):
    """Pieces of a variant that come new, at today's price."""

    variant_id = WholeNumber(low=1, required=True)
    quantity = WholeNumber(low=1, high=9999, required=True)


class OrderEditSchema(ActSchema):
    """Lines that are not named stay. ``address`` replaces the one that it goes to, within the same country and taxes."""

    lines = fields.List(fields.Nested(KeptPiecesSchema), load_default=list, validate=Length(max=MOST_LINES))
    added = fields.List(fields.Nested(AddedPiecesSchema), load_default=list, validate=Length(max=MOST_LINES))
    address = fields.Dict(keys=Text(maximum=20), values=Text(maximum=200), load_default=None)
    reason = Text(maximum=500, load_default="")


class OrderNoteSchema(ShopSchema):
    """A note for the team, or, with ``for_customer``, words that the customer reads on the order's page and by mail."""

    note = Text(minimum=1, maximum=2000, multiline=True, required=True)
    for_customer = Flag(load_default=False)


edit_body, note_body, answer = OrderEditSchema(), OrderNoteSchema(), OrderSchema()


@bp.post("/api/v1/orders/<number>/edits")
@describe(
    "Change an order before it has left: pieces, goods, address; the difference goes back or is asked",
    body=edit_body,
    answer=answer,
    permission="orders.edit",
    errors=[*WHAT_MAY_STOP, OutOfStock],
)
def edit_json(number: str) -> ResponseReturnValue:
    wanted = load_body(edit_body)
    edit = Edit(
        pieces={line["id"]: line["quantity"] for line in wanted["lines"]},
        added=[(line["variant_id"], line["quantity"]) for line in wanted["added"]],
        address=_address(wanted["address"]) if wanted["address"] is not None else None,
        reason=wanted["reason"],
    )

    def change(order_id: int, **who: Any) -> int:
        return edit_order(order_id, edit, **who)

    return act_json(number, wanted["version"], change)


@bp.post("/api/v1/orders/<number>/notes")
@describe("Write a note about an order", body=note_body, answer=answer, status=201, permission="orders.edit", errors=[NotFound, Invalid])
def add_note_json(number: str) -> ResponseReturnValue:
    wanted = load_body(note_body)

    def write(order_id: int, **who: Any) -> None:
        if wanted["for_customer"]:
            write_message(order_id, wanted["note"], **who)
        else:
            record_entry(order_id, "note", note=wanted["note"], **who)

    return act_json(number, None, write, status=201)


@bp.post("/api/v1/orders/<number>/shipments/<int:shipment_id>/delivery")
@describe("Say that one parcel has arrived", body=act_body, answer=answer, permission="orders.fulfill", errors=WHAT_MAY_STOP)
def deliver_parcel_json(number: str, shipment_id: int) -> ResponseReturnValue:
    wanted = load_body(act_body)

    def arrive(order_id: int, **who: Any) -> None:
        mark_parcel_delivered(order_id, shipment_id, **who)

    return act_json(number, wanted["version"], arrive)


def _address(given: dict[str, str]) -> AddressValues:
    unknown = set(given) - set(AddressValues.__dataclass_fields__)
    if unknown:
        raise Invalid({f"/address/{name}": [_("There is no such field.")] for name in sorted(unknown)})
    try:
        return clean_address(given, countries=[given.get("country", "").upper()])
    except WrongAddress as wrong:
        raise Invalid({f"/address/{name}": [message] for name, message in wrong.errors.items()}) from None
