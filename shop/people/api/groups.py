"""Groups of customers for programs of the staff."""

from __future__ import annotations

from typing import Any

from flask import current_app
from flask.typing import ResponseReturnValue
from marshmallow import fields

from shop.catalog.api_staff import next_url, owner
from shop.clock import now
from shop.customer.groups import add_to_group, count_members, create_group, get_group, list_members, remove_from_group
from shop.errors import Invalid, NotFound
from shop.people import bp
from shop.web.api import describe, load_query
from shop.web.fields import Email, ShopSchema, Text, WholeNumber
from shop.web.idempotency import idempotent
from shop.web.json import json_response, load_body
from shop.web.pagination import CURSOR_MAX

NEEDED: dict[str, Any] = {"permission": "customers.edit"}


class GroupBodySchema(ShopSchema):
    """``code`` names the group in promotions; ``name`` is for staff."""

    code = Text(minimum=1, maximum=40, required=True)
    name = Text(minimum=1, maximum=120, required=True)


class GroupSchema(GroupBodySchema):
    """A group and how many are in it."""

    members = WholeNumber()


class GroupListSchema(ShopSchema):
    """All groups, by their codes."""

    items = fields.List(fields.Nested(GroupSchema))


class MemberBodySchema(ShopSchema):
    """Whoever logs in by this address."""

    email = Email(required=True)


class MemberSchema(ShopSchema):
    """Somebody in a group."""

    customer = WholeNumber()
    email = Text()
    name = Text()


class MemberListSchema(ShopSchema):
    """Members, the newest customers first; ``next`` is the address of those before them."""

    items = fields.List(fields.Nested(MemberSchema))
    next = Text(allow_none=True)


class MemberQuerySchema(ShopSchema):
    """Which page."""

    cursor = Text(maximum=CURSOR_MAX, load_default=None)


body, listing, member, members, query = GroupBodySchema(), GroupListSchema(), MemberBodySchema(), MemberListSchema(), MemberQuerySchema()


@bp.get("/api/v1/customer-groups")
@describe("Groups of customers", answer=listing, **NEEDED)
def list_groups_json() -> ResponseReturnValue:
    return _groups()


def _groups(status: int = 200) -> ResponseReturnValue:
    return json_response(
        {"items": [{"code": found.code, "name": found.name, "members": found.members} for found in count_members()]}, status
    )


@bp.post("/api/v1/customer-groups")
@describe("Make a group; the same code again is the same group", body=body, answer=listing, status=201, errors=[Invalid], **NEEDED)
@idempotent(owner)
def create_group_json() -> ResponseReturnValue:
    create_group(**load_body(body), at=now())
    return _groups(201)


@bp.get("/api/v1/customer-groups/<code>/members")
@describe("Who is in a group", query=query, answer=members, errors=[NotFound], **NEEDED)
def list_members_json(code: str) -> ResponseReturnValue:
    return _members(code, load_query(query))


def _members(code: str, asked: dict[str, Any], status: int = 200) -> ResponseReturnValue:
    get_group(code)
    page = list_members(code, cursor=asked["cursor"])
    items = [{"customer": found.id, "email": found.email, "name": found.name} for found in page.items]
    return json_response({"items": items, "next": next_url("people.list_members_json", page.next_cursor, {**asked, "code": code})}, status)


@bp.post("/api/v1/customer-groups/<code>/members")
@describe("Put somebody into a group; again changes nothing", body=member, answer=members, status=201, errors=[NotFound], **NEEDED)
@idempotent(owner)
def add_member_json(code: str) -> ResponseReturnValue:
    add_to_group(code, load_body(member)["email"], at=now())
    return _members(code, {"cursor": None}, 201)


@bp.delete("/api/v1/customer-groups/<code>/members/<email>")
@describe("Take somebody out of a group", status=204, errors=[NotFound], **NEEDED)
def remove_member_json(code: str, email: str) -> ResponseReturnValue:
    remove_from_group(code, email, at=now())
    return current_app.response_class(status=204)
