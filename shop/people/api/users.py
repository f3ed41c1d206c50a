"""Accounts and roles for programs of the staff."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from typing import Any

from flask import current_app, url_for
from flask.typing import ResponseReturnValue

from shop.auth.current import current_user, network
from shop.auth.mailed.recovery import ask_to_reset
from shop.auth.permissions import PERMISSIONS
from shop.auth.queries import list_devices
from shop.auth.staff_services import (
    BeyondYourOwn,
    LastAdmin,
    RoleInUse,
    change_role,
    change_user,
    create_role,
    create_user,
    delete_role,
    give_role,
    lock_user,
    log_out_user,
    unlock_user,
)
from shop.catalog.api_staff import next_url, owner
from shop.clock import now
from shop.errors import Invalid, NotFound, StaleVersion, TooManyTries
from shop.people import bp
from shop.people.queries import RoleView, find_customer_of, get_role, get_user, list_roles, list_users
from shop.people.schemas import (
    NewUserSchema,
    RoleBodySchema,
    RoleGiftSchema,
    RoleListSchema,
    RoleSchema,
    UserChangeSchema,
    UserListSchema,
    UserQuerySchema,
    UserRecordSchema,
)
from shop.web.api import describe, load_query
from shop.web.idempotency import idempotent
from shop.web.json import json_response, load_body

query, listing, record = UserQuerySchema(), UserListSchema(), UserRecordSchema()
new, change, gift = NewUserSchema(), UserChangeSchema(), RoleGiftSchema()
role_body, role_record, role_list = RoleBodySchema(), RoleSchema(), RoleListSchema()
FACTS = ("id", "email", "name", "role", "locale", "version")


@bp.get("/api/v1/users")
@describe("Accounts, newest first", query=query, answer=listing, permission="users.edit")
def list_users_json() -> ResponseReturnValue:
    asked = load_query(query)
    page = list_users(search=asked["q"], role=asked["role"], locked=asked["locked"], cursor=asked["cursor"])
    return json_response(
        {"items": [_dump(found) for found in page.items], "next": next_url("people.list_users_json", page.next_cursor, asked)}
    )


def _dump(user: Any) -> dict[str, Any]:
    moments = {"created_at": user.created_at.isoformat(), "locked_at": user.locked_at and user.locked_at.isoformat()}
    return {**{name: getattr(user, name) for name in FACTS}, **moments}


@bp.post("/api/v1/users")
@describe(
    "Make an account; its owner gets a link to choose a password",
    body=new,
    answer=record,
    status=201,
    permission="users.edit",
    errors=[Invalid, BeyondYourOwn],
)
@idempotent(owner)
def create_user_json() -> ResponseReturnValue:
    sent = load_body(new)
    user_id = create_user(**sent, held=current_user.permissions, at=now())
    with suppress(TooManyTries):  # the account is made; its owner may ask for the link later
        ask_to_reset(email=sent["email"], network=network(), locale=sent["locale"], at=now())
    return json_response(_record(user_id), 201, {"Location": url_for("people.show_user_json", user_id=user_id)})


@bp.get("/api/v1/users/<int:user_id>")
@describe("One account with its devices", answer=record, permission="users.edit", errors=[NotFound])
def show_user_json(user_id: int) -> ResponseReturnValue:
    return json_response(_record(user_id))


def _record(user_id: int) -> dict[str, Any]:
    user = get_user(user_id)
    devices = [
        {"created_at": one.created_at.isoformat(), "seen_at": one.seen_at.isoformat(), "address": one.address, "device": one.device}
        for one in list_devices(user_id, at=now())
    ]
    held = next((role.permissions for role in list_roles() if role.code == user.role), ())
    return {**_dump(user), "permissions": list(held), "devices": devices, "customer_id": find_customer_of(user_id)}


@bp.patch("/api/v1/users/<int:user_id>")
@describe(
    "Change a name or a language", body=change, answer=record, permission="users.edit", errors=[NotFound, StaleVersion, BeyondYourOwn]
)
def change_user_json(user_id: int) -> ResponseReturnValue:
    sent = load_body(change)
    change_user(user_id, expected_version=sent.pop("version"), **sent, held=current_user.permissions, at=now())
    return json_response(_record(user_id))


def _act(user_id: int, verb: Callable[..., object]) -> ResponseReturnValue:
    verb(user_id, held=current_user.permissions, at=now())
    return json_response(_record(user_id))


@bp.post("/api/v1/users/<int:user_id>/lock")
@describe("Keep somebody out, at once", answer=record, permission="users.edit", errors=[NotFound, LastAdmin, BeyondYourOwn])
def lock_user_json(user_id: int) -> ResponseReturnValue:
    return _act(user_id, lock_user)


@bp.delete("/api/v1/users/<int:user_id>/lock")
@describe("Let somebody in again", answer=record, permission="users.edit", errors=[NotFound, BeyondYourOwn])
def unlock_user_json(user_id: int) -> ResponseReturnValue:
    return _act(user_id, unlock_user)


@bp.delete("/api/v1/users/<int:user_id>/sessions")
@describe("End all log-ins of somebody", answer=record, permission="users.edit", errors=[NotFound, BeyondYourOwn])
def log_out_user_json(user_id: int) -> ResponseReturnValue:
    return _act(user_id, log_out_user)


@bp.put("/api/v1/users/<int:user_id>/role")
@describe(
    "Give somebody a role; they are logged out everywhere",
    body=gift,
    answer=record,
    permission="roles.edit",
    errors=[NotFound, Invalid, LastAdmin, BeyondYourOwn],
)
def give_role_json(user_id: int) -> ResponseReturnValue:
    give_role(user_id, load_body(gift)["role"], held=current_user.permissions, at=now())
    return json_response(_record(user_id))


@bp.post("/api/v1/users/<int:user_id>/reset")
@describe("Send somebody a link to choose a new password", answer=record, permission="users.edit", errors=[NotFound, TooManyTries])
def send_reset_json(user_id: int) -> ResponseReturnValue:
    user = get_user(user_id)
    ask_to_reset(email=user.email, network=network(), locale=user.locale, at=now())
    return json_response(_record(user_id))


@bp.get("/api/v1/roles")
@describe("All roles and permissions", answer=role_list, permission="roles.edit")
def list_roles_json() -> ResponseReturnValue:
    known = {name: str(words) for name, words in PERMISSIONS.items()}
    return json_response({"items": [_dump_role(role) for role in list_roles()], "permissions": known})


def _dump_role(role: RoleView) -> dict[str, Any]:
    facts = {name: getattr(role, name) for name in ("code", "name", "users", "version")}
    return {**facts, "permissions": list(role.permissions), "own": role.is_own}


@bp.put("/api/v1/roles/<code>")
@describe(
    "Make or replace one of the shop's own roles",
    body=role_body,
    answer=role_record,
    permission="roles.edit",
    errors=[Invalid, NotFound, StaleVersion, BeyondYourOwn],
)
def write_role_json(code: str) -> ResponseReturnValue:
    sent = load_body(role_body)
    version, held = sent.pop("version"), current_user.permissions
    if version:
        change_role(code, **sent, expected_version=version, held=held, at=now())
    else:
        create_role(code=code, **sent, held=held, at=now())
    return json_response(_dump_role(get_role(code)))


@bp.delete("/api/v1/roles/<code>")
@describe("Delete one of the shop's own roles that nobody has", status=204, permission="roles.edit", errors=[NotFound, RoleInUse])
def delete_role_json(code: str) -> ResponseReturnValue:
    delete_role(code, at=now())
    return current_app.response_class(status=204)
