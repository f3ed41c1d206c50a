"""Tokens for programs, under ``/api/v1/auth/tokens``. They need no cookie and set none."""

from __future__ import annotations

from typing import Any

from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from shop.auth import bp, tickets
from shop.auth.current import current_user, device, network
from shop.auth.oidc.discovery import ProviderAway, SignInRefused
from shop.auth.oidc.services import AddressNeeded, LogInToLink, exchange_id_token
from shop.auth.second.services import SecondFactorNeeded, finish_log_in
from shop.auth.services import AccountLocked, WrongPassword, log_in
from shop.auth.sessions import Doorstep, LoggedIn
from shop.auth.tokens.schemas import RefreshSchema, TokenRequestSchema, TokensSchema
from shop.auth.tokens.services import Tokens, end_tokens, issue_tokens, refresh_tokens
from shop.auth.tokens.signing import published_keys
from shop.clock import now
from shop.errors import BadToken, Invalid, NotFound, TooManyTries
from shop.web.api import describe
from shop.web.json import json_response, load_body
from shop.web.locale import current_locale

OF_PROVIDERS = [NotFound, SignInRefused, LogInToLink, AddressNeeded, ProviderAway]
REQUEST, REFRESH, TOKENS = TokenRequestSchema(), RefreshSchema(), TokensSchema()


@bp.post("/api/v1/auth/tokens")
@describe(
    "Log in as a program: tokens instead of a cookie",
    body=REQUEST,
    answer=TOKENS,
    status=201,
    errors=[WrongPassword, SecondFactorNeeded, AccountLocked, tickets.LinkDead, Invalid, TooManyTries, *OF_PROVIDERS],
)
def make_tokens_json() -> ResponseReturnValue:
    wanted = load_body(REQUEST)
    return _answer(issue_tokens(_log_in(wanted), at=now()), 201)


@bp.post("/api/v1/auth/tokens/refresh")
@describe("The next tokens; the refresh token works once", body=REFRESH, answer=TOKENS, errors=[BadToken])
def refresh_tokens_json() -> ResponseReturnValue:
    return _answer(refresh_tokens(load_body(REFRESH)["refresh_token"], at=now()), 200)


@bp.delete("/api/v1/auth/tokens")
@describe("Log out: the access token and all refresh tokens of its log-in are dead", status=204, role="customer")
def end_tokens_json() -> ResponseReturnValue:
    end_tokens(current_user.login_session_id, at=now())
    return "", 204


@bp.get("/.well-known/jwks.json")
def show_signing_keys_json() -> ResponseReturnValue:
    """The public keys by which anybody can check our access tokens."""
    return json_response(published_keys(at=now()))


def _log_in(wanted: dict[str, Any]) -> LoggedIn:
    """By one of the ways that the schema names.

    Raises:
        Invalid: what was sent is none of them.
    """
    step = Doorstep(network(), device(), is_remembered=True)
    match sorted(wanted):
        case ["email", "password"]:
            return log_in(email=wanted["email"], password=wanted["password"], step=step, at=now())
        case ["code", "email", "password"]:
            return _with_code(wanted, step)
        case ["id_token", "provider"] | ["id_token", "nonce", "provider"]:
            locale = current_locale()
            return exchange_id_token(wanted["provider"], wanted["id_token"], nonce=wanted.get("nonce"), step=step, locale=locale, at=now())
        case ["code", "ticket"]:
            return finish_log_in(wanted["ticket"], code=wanted["code"], step=step, at=now())
    raise Invalid({"": [_("Send email and password, or ticket and code, or provider and id_token.")]})


def _with_code(wanted: dict[str, Any], step: Doorstep) -> LoggedIn:
    try:
        return log_in(email=wanted["email"], password=wanted["password"], step=step, at=now())
    except SecondFactorNeeded as needed:
        return finish_log_in(needed.extras["ticket"], code=wanted["code"], step=step, at=now())


def _answer(tokens: Tokens, status: int) -> ResponseReturnValue:
    return json_response(TOKENS.dump(tokens), status)
