"""The door for programs: the same verbs as JSON, under ``/api/v1``."""

from __future__ import annotations

from flask.typing import ResponseReturnValue

from shop.auth import bp
from shop.auth.current import current_user, device, enter, held_token, leave, network
from shop.auth.schemas import LoginSchema, PersonSchema, RegisterSchema
from shop.auth.services import AccountLocked, WrongPassword, log_in, register_user
from shop.clock import now
from shop.errors import Invalid, NotLoggedIn, TooManyTries
from shop.web.api import describe
from shop.web.json import json_response, load_body
from shop.web.locale import current_locale

REGISTER, LOGIN, PERSON = RegisterSchema(), LoginSchema(), PersonSchema()


@bp.post("/api/v1/auth/register")
@describe("Make an account and log in", body=REGISTER, answer=PERSON, status=201, errors=[Invalid, TooManyTries])
def register_json() -> ResponseReturnValue:
    wanted = load_body(REGISTER)
    enter(register_user(**wanted, locale=current_locale(), network=network(), device=device(), old_token=held_token(), at=now()))
    return json_response(PERSON.dump(current_user), 201, {"Location": "/api/v1/me"})


@bp.post("/api/v1/auth/login")
@describe("Log in", body=LOGIN, answer=PERSON, errors=[WrongPassword, AccountLocked, Invalid, TooManyTries])
def login_json() -> ResponseReturnValue:
    wanted = load_body(LOGIN)
    enter(log_in(**wanted, network=network(), device=device(), old_token=held_token(), at=now()))
    return json_response(PERSON.dump(current_user))


@bp.post("/api/v1/auth/logout")
@describe("Log out; every copy of the cookie is dead", status=204)
def logout_json() -> ResponseReturnValue:
    leave()
    return "", 204


@bp.get("/api/v1/me")
@describe("Who is logged in", answer=PERSON, errors=[NotLoggedIn], role="customer")
def show_me_json() -> ResponseReturnValue:
    return json_response(PERSON.dump(current_user))
