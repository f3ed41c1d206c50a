"""The same for programs, under ``/api/v1/auth``."""

from __future__ import annotations

from flask.typing import ResponseReturnValue

from shop.auth import bp, tickets
from shop.auth.current import current_user, doorstep, enter, network, require_proof
from shop.auth.mailed.recovery import ask_for_new_email, ask_to_reset, confirm_new_email, reset_password
from shop.auth.mailed.registration import AlreadyMember, ask_to_register, ask_to_verify, confirm_registration, verify_email, write_again
from shop.auth.mailed.schemas import ConfirmationSchema, EmailSchema, RegisterSchema, RegistrationSchema, ResetSchema, TokenSchema
from shop.auth.schemas import PersonSchema
from shop.clock import now
from shop.errors import Invalid, NotLoggedIn, TooManyTries
from shop.web.api import describe
from shop.web.json import json_response, load_body
from shop.web.locale import current_locale

REGISTER, REGISTRATION, CONFIRMATION = RegisterSchema(), RegistrationSchema(), ConfirmationSchema()
TOKEN, EMAIL, RESET, PERSON = TokenSchema(), EmailSchema(), ResetSchema(), PersonSchema()


@bp.post("/api/v1/auth/register")
@describe(
    "Ask for an account; the mail holds the link that makes it",
    body=REGISTER,
    answer=REGISTRATION,
    status=202,
    errors=[Invalid, TooManyTries],
)
def register_json() -> ResponseReturnValue:
    salt = ask_to_register(**load_body(REGISTER), locale=current_locale(), network=network(), at=now())
    return json_response({"registration": salt}, 202)


@bp.post("/api/v1/auth/register/mail")
@describe(
    "The mail of a registration once more", body=REGISTRATION, answer=REGISTRATION, status=202, errors=[tickets.LinkDead, TooManyTries]
)
def register_again_json() -> ResponseReturnValue:
    salt = write_again(load_body(REGISTRATION)["registration"], network=network(), at=now())
    return json_response({"registration": salt}, 202)


@bp.post("/api/v1/auth/register/confirmation")
@describe(
    "Make the account and log in",
    body=CONFIRMATION,
    answer=PERSON,
    status=201,
    errors=[tickets.LinkDead, AlreadyMember, Invalid, TooManyTries],
)
def confirm_registered_json() -> ResponseReturnValue:
    wanted = load_body(CONFIRMATION)
    step = doorstep(is_remembered=wanted["is_remembered"])
    enter(confirm_registration(wanted["token"], password=wanted["password"], step=step, at=now()))
    return json_response(PERSON.dump(current_user), 201, {"Location": "/api/v1/me"})


@bp.post("/api/v1/auth/password-resets")
@describe(
    "Ask for a link to choose a new password; the answer is the same for every address", body=EMAIL, status=202, errors=[TooManyTries]
)
def forgotten_json() -> ResponseReturnValue:
    ask_to_reset(**load_body(EMAIL), network=network(), locale=current_locale(), at=now())
    return "", 202


@bp.post("/api/v1/auth/password-resets/confirmation")
@describe("Choose a new password; every session ends", body=RESET, status=204, errors=[tickets.LinkDead, Invalid])
def choose_password_json() -> ResponseReturnValue:
    reset_password(**load_body(RESET), at=now())
    return "", 204


@bp.post("/api/v1/me/verification")
@describe("Ask for a mail that shows that my address is mine", status=202, errors=[NotLoggedIn, TooManyTries], role="customer")
def ask_to_verify_json() -> ResponseReturnValue:
    ask_to_verify(current_user.id, email=current_user.email, locale=current_locale(), at=now())
    return "", 202


@bp.post("/api/v1/me/verification/confirmation")
@describe("My address is mine", body=TOKEN, status=204, errors=[NotLoggedIn, tickets.LinkDead], role="customer")
def verify_json() -> ResponseReturnValue:
    verify_email(load_body(TOKEN)["token"], user_id=current_user.id, at=now())
    return "", 204


@bp.post("/api/v1/me/email")
@describe("Ask to move my account to another address", body=EMAIL, status=202, errors=[NotLoggedIn, TooManyTries], role="customer")
def ask_for_new_email_json() -> ResponseReturnValue:
    require_proof()
    ask_for_new_email(current_user.id, **load_body(EMAIL), locale=current_locale(), at=now())
    return "", 202


@bp.post("/api/v1/me/email/confirmation")
@describe("The new address counts", body=TOKEN, answer=PERSON, errors=[NotLoggedIn, tickets.LinkDead], role="customer")
def confirm_new_email_json() -> ResponseReturnValue:
    step = doorstep(is_remembered=current_user.is_remembered)
    token = load_body(TOKEN)["token"]
    enter(confirm_new_email(token, user_id=current_user.id, step=step, has_second_factor=current_user.has_second_factor, at=now()))
    return json_response(PERSON.dump(current_user))
