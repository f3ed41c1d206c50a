"""The second step for programs."""

from __future__ import annotations

from flask.typing import ResponseReturnValue

from shop.auth import bp, tickets
from shop.auth.current import current_user, doorstep, enter, network
from shop.auth.schemas import PersonSchema
from shop.auth.second.passkeys import PasskeyRefused, begin_log_in, log_in_by_passkey
from shop.auth.second.schemas import PasskeyAnswerSchema, PasskeyQuestionSchema, SecondStepSchema
from shop.auth.second.services import finish_log_in
from shop.clock import now
from shop.errors import Invalid, TooManyTries
from shop.web.api import describe
from shop.web.json import json_response, load_body

CODE, PERSON = SecondStepSchema(), PersonSchema()
QUESTION, ANSWER = PasskeyQuestionSchema(), PasskeyAnswerSchema()


@bp.post("/api/v1/auth/login/code")
@describe("The second step of a log-in", body=CODE, answer=PERSON, errors=[tickets.LinkDead, Invalid, TooManyTries])
def second_step_json() -> ResponseReturnValue:
    wanted = load_body(CODE)
    enter(finish_log_in(wanted["ticket"], code=wanted["code"], step=doorstep(), at=now()))
    return json_response(PERSON.dump(current_user))


@bp.post("/api/v1/auth/passkeys/options")
@describe("What a passkey is asked to sign: PublicKeyCredentialRequestOptionsJSON", body=QUESTION, errors=[tickets.LinkDead, TooManyTries])
def passkey_options_json() -> ResponseReturnValue:
    return json_response(begin_log_in(**load_body(QUESTION), network=network(), at=now()))


@bp.post("/api/v1/auth/passkeys/login")
@describe(
    "Log in by a passkey, alone or as the second step", body=ANSWER, answer=PERSON, errors=[PasskeyRefused, tickets.LinkDead, Invalid]
)
def log_in_with_passkey_json() -> ResponseReturnValue:
    wanted = load_body(ANSWER)
    enter(log_in_by_passkey(wanted["credential"], ticket=wanted["ticket"], step=doorstep(), at=now()))
    return json_response(PERSON.dump(current_user))
