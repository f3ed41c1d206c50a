"""The door for programs: the same verbs as JSON, under ``/api/v1``."""

from __future__ import annotations

from flask.typing import ResponseReturnValue

from shop.auth import bp
from shop.auth.current import current_user, doorstep, enter, leave
from shop.auth.passwords import judge_strength
from shop.auth.schemas import LoginSchema, PersonSchema, StrengthQuestionSchema, StrengthSchema
from shop.auth.second.services import SecondFactorNeeded
from shop.auth.services import AccountLocked, WrongPassword, log_in
from shop.clock import now
from shop.errors import Invalid, NotLoggedIn, TooManyTries
from shop.web.api import describe
from shop.web.json import json_response, load_body

LOGIN, PERSON = LoginSchema(), PersonSchema()
QUESTION, STRENGTH = StrengthQuestionSchema(), StrengthSchema()


@bp.post("/api/v1/auth/login")
@describe("Log in", body=LOGIN, answer=PERSON, errors=[WrongPassword, SecondFactorNeeded, AccountLocked, Invalid, TooManyTries])
def login_json() -> ResponseReturnValue:
    wanted = load_body(LOGIN)
    step = doorstep(is_remembered=wanted["is_remembered"])
    enter(log_in(email=wanted["email"], password=wanted["password"], step=step, at=now()))
    return json_response(PERSON.dump(current_user))


@bp.post("/api/v1/auth/password-strength")
@describe("How strong a password is; nothing is kept", body=QUESTION, answer=STRENGTH, errors=[Invalid])
def judge_strength_json() -> ResponseReturnValue:
    wanted = load_body(QUESTION)
    score, words = judge_strength(wanted["password"], about=tuple(wanted["about"]))
    return json_response({"score": score, "words": words})


@bp.post("/api/v1/auth/logout")
@describe("Log out; every copy of the cookie is dead", status=204)
def logout_json() -> ResponseReturnValue:
    leave()
    return "", 204


@bp.get("/api/v1/me")
@describe("Who is logged in", answer=PERSON, errors=[NotLoggedIn], role="customer")
def show_me_json() -> ResponseReturnValue:
    return json_response(PERSON.dump(current_user))
