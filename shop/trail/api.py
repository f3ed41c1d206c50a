"""The trail for programs of those who may read it."""

from __future__ import annotations

from flask import url_for
from flask.typing import ResponseReturnValue
from marshmallow import fields

from shop.trail import bp
from shop.trail.admin import ActFilters, wanted_acts
from shop.trail.queries import list_acts
from shop.trail.services import COVERED
from shop.web.api import describe, load_query
from shop.web.fields import ShopSchema, Text, WholeNumber
from shop.web.json import json_response


class StaffActSchema(ShopSchema):
    """One act of staff. ``hash`` covers it and the act before it."""

    position = WholeNumber()
    at = Text()
    actor = Text()
    role = Text()
    permission = Text()
    what = Text()
    subject = Text()
    before = fields.Dict()
    after = fields.Dict()
    network = Text()
    request_id = Text()
    hash = Text()


class StaffActListSchema(ShopSchema):
    """Acts, newest first; ``next`` is the address of those before them."""

    items = fields.List(fields.Nested(StaffActSchema))
    next = Text(allow_none=True)


class StaffActQuerySchema(ActFilters):
    """What to look for; an unknown parameter is refused here."""

    class Meta:
        unknown = "raise"


query, listing = StaffActQuerySchema(exclude=("q",)), StaffActListSchema()


@bp.get("/api/v1/staff-acts")
@describe("What staff did, newest first", query=query, answer=listing, permission="log.view")
def list_staff_acts_json() -> ResponseReturnValue:
    asked = load_query(query)
    page = list_acts(**wanted_acts(asked))
    items = [{**{name: getattr(act, name) for name in COVERED}, "at": act.at.isoformat(), "hash": act.hash} for act in page.items]
    kept = {name: value for name, value in {**asked, "cursor": page.next_cursor}.items() if value}
    return json_response({"items": items, "next": url_for("trail.list_staff_acts_json", **kept) if page.next_cursor else None})
