"""Signing in with an account elsewhere: a provider that is honest, and the same one telling lies."""

from __future__ import annotations

import dataclasses
import re
import time
from urllib.parse import parse_qs, urlsplit

import pytest
import requests
from flask import redirect
from joserfc import jwt
from joserfc.jwk import OctKey
from sqlalchemy import select, update

from config import OidcProvider
from shop.auth.models import LoginSession, Ticket, User
from shop.auth.oidc.models import Identity
from shop.clock import now
from tests.mailbox import letters_to
from tests.people import PASSWORD, change, log_in, make_user, row, rows
from tests.provider import CLIENT_ID, CLIENT_SECRET, serve_provider

BEGIN, RETURN = "/login/with/acme", "/login/with/acme/return"
TOKENS = "/api/v1/auth/tokens"
ME = select(User.id, User.email, User.name, User.password_hash, User.email_verified_at)


@pytest.fixture(scope="module")
def served():
    with serve_provider() as provider:
        yield provider


@pytest.fixture
def provider(app, served):
    """The provider, and a shop whose settings name it."""
    served.start_afresh()
    before = app.extensions["config"]
    acme = OidcProvider("acme", "Acme", served.issuer, CLIENT_ID, CLIENT_SECRET)
    app.extensions["config"] = dataclasses.replace(before, oidc_providers=(acme,))
    app.extensions.pop("oidc", None)
    yield served
    app.extensions["config"] = before


def begin(client, **form):
    answer = client.post(BEGIN, data=form)
    assert answer.status_code == 303, answer.text
    return answer.location


def say_yes(location):
    """What the provider sends the browser back with, as path and query of the shop."""
    answer = requests.get(location, allow_redirects=False, timeout=5)
    assert answer.status_code == 302, answer.text
    parts = urlsplit(answer.headers["Location"])
    return f"{parts.path}?{parts.query}"


def come_in(client, **form):
    return client.get(say_yes(begin(client, **form)))


def is_in(client):
    return client.get("/api/v1/me").status_code == 200


def csrf(client, path):
    return re.search(r'name="csrf_token"[^>]*value="([^"]+)"', client.get(path).text)[1]


# The honest one


def test_the_pages_at_the_door_show_a_button_that_may_lead_there(client, provider):
    for path in ("/login", "/register"):
        page = client.get(path)
        assert "Sign in with Acme" in page.text
        assert f"form-action 'self' {provider.issuer}" in page.headers["Content-Security-Policy"]


def test_a_shop_without_providers_shows_none(client):
    assert "Sign in with" not in client.get("/login").text
    assert client.post(BEGIN).status_code == 404
    assert client.get(RETURN).status_code == 404


def test_the_way_there_carries_state_nonce_and_a_hashed_verifier(client, provider):
    asked = {name: values[0] for name, values in parse_qs(urlsplit(begin(client)).query).items()}

    assert asked["redirect_uri"] == "http://127.0.0.1:8000/login/with/acme/return"
    assert (asked["response_type"], asked["code_challenge_method"], asked["scope"]) == ("code", "S256", "openid email profile")
    assert len(asked["state"]) >= 43
    assert len(asked["nonce"]) >= 43
    assert asked["state"] not in str(rows(select(Ticket.__table__)))


def test_somebody_new_gets_an_account_with_a_verified_address(client, provider):
    answer = come_in(client, next="/account/addresses")

    assert (answer.status_code, answer.location) == (303, "/account/addresses")
    assert client.get("/api/v1/me").json["email"] == "ana@example.com"
    made = row(ME)
    assert (made.name, made.password_hash) == ("Ana", None)
    assert made.email_verified_at is not None
    assert row(select(Identity.issuer, Identity.subject)) == (provider.issuer, "p-1")


def test_the_same_person_comes_back_to_the_same_account_whatever_their_address_is_now(app, client, provider):
    come_in(client)
    provider.person["email"] = "other@example.com"

    again = app.test_client()
    come_in(again)

    assert again.get("/api/v1/me").json["email"] == "ana@example.com"
    assert len(rows(ME)) == 1


def test_the_address_may_come_from_userinfo(client, provider):
    provider.lies["userinfo"] = {}

    come_in(client)

    assert client.get("/api/v1/me").json["email"] == "ana@example.com"


def test_an_address_that_has_an_account_is_asked_to_log_in_and_link(client, provider):
    make_user()

    answer = come_in(client)

    assert (answer.status_code, is_in(client)) == (303, False)
    assert urlsplit(answer.location).path == "/login"
    assert "There is an account with this address" in client.get(answer.location).text
    went_on = client.post("/login", data={"email": "ana@example.com", "password": PASSWORD, "next": "/account/security/sign-ins"})
    page = client.get(went_on.location)
    assert "Link ana@example.com of Acme with this account?" in page.text
    client.post("/account/security/sign-ins/link", data={"csrf_token": csrf(client, went_on.location)})
    assert len(rows(select(Identity.id))) == 1


def test_an_offer_is_for_the_address_that_it_came_with(client, provider):
    make_user()
    make_user("eva@example.com", name="Eva")
    come_in(client)
    log_in(client, "eva@example.com")

    page = client.get("/account/security/sign-ins")
    client.post("/account/security/sign-ins/link", data={"csrf_token": csrf(client, "/account/security/sign-ins")})

    assert "with this account?" not in page.text
    assert rows(select(Identity.id)) == []


def test_a_member_links_and_unlinks(app, client, provider):
    make_user()
    log_in(client)
    token = csrf(client, "/account/security/sign-ins")

    there = client.post("/account/security/sign-ins/with/acme", data={"csrf_token": token})
    back = client.get(say_yes(there.location))

    assert (back.status_code, back.location) == (303, "/account/security/sign-ins")
    assert is_in(client)
    told = letters_to(app, "ana@example.com")[-1]
    assert ("Acme" in told.subject, "Acme" in told.text) == (True, True)
    other = app.test_client()
    come_in(other)
    assert is_in(other)
    identity_id = row(select(Identity.id)).id
    client.post(f"/account/security/sign-ins/{identity_id}/removal", data={"csrf_token": token})
    assert rows(select(Identity.id)) == []


def test_the_last_way_in_stays(client, provider):
    come_in(client)
    identity_id = row(select(Identity.id)).id

    client.post(f"/account/security/sign-ins/{identity_id}/removal", data={"csrf_token": csrf(client, "/account/security/sign-ins")})

    assert "This is your only way in" in client.get("/account/security/sign-ins").text or len(rows(select(Identity.id))) == 1
    assert len(rows(select(Identity.id))) == 1


def test_an_account_elsewhere_opens_one_account_only(client, provider):
    come_in(client)
    client.post("/logout")
    make_user("eva@example.com", name="Eva")
    log_in(client, "eva@example.com")

    there = client.post("/account/security/sign-ins/with/acme", data={"csrf_token": csrf(client, "/account/security/sign-ins")})
    client.get(say_yes(there.location))

    assert len(rows(select(Identity.id))) == 1
    assert row(select(Identity.user_id)).user_id != row(select(User.id).where(User.email == "eva@example.com")).id


def test_a_locked_account_stays_locked(client, provider):
    come_in(client)
    client.post("/logout")
    change(update(User).values(locked_at=now()))

    answer = come_in(client)

    assert answer.status_code == 403
    assert "This account is locked" in answer.text
    assert not is_in(client)


def test_the_session_is_a_new_one(client, provider):
    client.get("/login")
    come_in(client)
    first = row(select(LoginSession.token_hash).order_by(LoginSession.id.desc()))
    come_in(client)

    assert row(select(LoginSession.token_hash).order_by(LoginSession.id.desc())) != first
    assert len(rows(select(LoginSession.id).where(LoginSession.ended_at.is_(None)))) == 1


def test_where_to_go_on_never_leaves_the_shop(client, provider):
    assert come_in(client, next="https://evil.example/").location == "/account"


# The liar


def none_signed(provider, claims):
    from tests.auth.test_tokens import pack

    return pack({"alg": "none"}, claims, b"")


def hs_signed(provider, claims):
    secret = provider.key.as_pem(private=False) + b" " * 8
    return jwt.encode({"alg": "HS256", "kid": "one"}, claims, OctKey.import_key(secret[:60]), algorithms=["HS256"])


def other_signed(provider, claims):
    return jwt.encode({"alg": "RS256", "kid": "one"}, claims, provider.other_key, algorithms=["RS256"])


def own_key_signed(provider, claims):
    header = {"alg": "RS256", "kid": "mine", "jwk": provider.other_key.as_dict(private=False)}
    return jwt.encode(header, claims, provider.other_key, algorithms=["RS256"])


def without(name):
    return lambda claims: {key: value for key, value in claims.items() if key != name}


LIES = {
    "another issuer": {"claims": lambda claims: {**claims, "iss": "https://evil.example"}},
    "no issuer": {"claims": without("iss")},
    "another audience": {"claims": lambda claims: {**claims, "aud": "another-client"}},
    "our audience among others": {"claims": lambda claims: {**claims, "aud": [CLIENT_ID, "another-client"]}},
    "made for another party": {"claims": lambda claims: {**claims, "azp": "another-client"}},
    "another nonce": {"claims": lambda claims: {**claims, "nonce": "x" * 43}},
    "no nonce": {"claims": without("nonce")},
    "expired": {"claims": lambda claims: {**claims, "exp": int(time.time()) - 120}},
    "no end": {"claims": without("exp")},
    "issued tomorrow": {"claims": lambda claims: {**claims, "iat": int(time.time()) + 86_400}},
    "no subject": {"claims": without("sub")},
    "an empty subject": {"claims": lambda claims: {**claims, "sub": ""}},
    "a subject that is a number": {"claims": lambda claims: {**claims, "sub": 7}},
    "a subject without end": {"claims": lambda claims: {**claims, "sub": "x" * 256}},
    "for another access token": {"claims": lambda claims: {**claims, "at_hash": "x" * 22}},
    "alg none": {"sign": none_signed},
    "signed with the public key as a secret": {"sign": hs_signed},
    "signed by another key": {"sign": other_signed},
    "signed by the key that it brings": {"sign": own_key_signed},
    "garbage for a token": {"sign": lambda _provider, _claims: "garbage"},
    "huge": {"claims": lambda claims: {**claims, "more": "x" * 20_000}},
    "userinfo about somebody else": {"userinfo": {"sub": "p-2"}},
    "the token endpoint refuses": {"token": lambda: ({"error": "invalid_grant"}, 400)},
    "the token endpoint breaks": {"token": lambda: ("oops", 500)},
    "the token endpoint sends us elsewhere": {"token": lambda: redirect("https://evil.example/token", 307)},
    "the token endpoint gives no ID token": {"token": lambda: {"access_token": "x", "token_type": "Bearer"}},
    "somebody said no": {"error": True},
    "the address is not verified": {"claims": lambda claims: {**claims, "email_verified": False}},
    "the address is verified by a number": {"claims": lambda claims: {**claims, "email_verified": 1}},
    "there is no address": {"claims": lambda claims: {**claims, "email": ""}},
}


@pytest.mark.parametrize("lie", LIES)
def test_a_lie_opens_nothing(client, provider, lie):
    make_user("eva@example.com", name="Eva")
    provider.lies.update(LIES[lie])

    answer = come_in(client)

    assert answer.status_code in {400, 409, 503}
    assert 'role="alert"' in answer.text
    assert "Sign in another way" in answer.text
    assert not is_in(client)
    assert (rows(select(LoginSession.id)), rows(select(Identity.id))) == ([], [])


def test_an_unverified_address_of_an_account_links_nothing(client, provider):
    make_user()
    provider.person["email_verified"] = False

    assert come_in(client).status_code == 409
    assert "link_offer" not in str(client.get_cookie("session"))
    assert rows(select(Ticket.id).where(Ticket.kind == "link")) == []


def refused(client, path):
    answer = client.get(path)
    return answer.status_code == 400 and "You are not signed in" in answer.text and not is_in(client)


def test_an_answer_without_a_state_or_with_another_is_refused(client, provider):
    back = say_yes(begin(client))

    assert refused(client, re.sub(r"&?state=[^&]+", "", back))
    assert refused(client, RETURN)


def test_an_answer_in_another_browser_is_refused(app, client, provider):
    back = say_yes(begin(client))
    begin(other := app.test_client())

    assert refused(app.test_client(), back)
    assert refused(other, back)


def test_an_answer_counts_once_even_with_the_cookie_of_before(client, provider):
    back = say_yes(begin(client))
    kept = client.get_cookie("session").value
    assert client.get(back).status_code == 303
    client.post("/logout")

    client.set_cookie("session", kept)

    assert refused(client, back)


def test_a_code_that_comes_twice_is_refused(client, provider):
    code = re.search(r"code=([^&]+)", say_yes(begin(client)))[1]
    first = say_yes(begin(client))
    assert client.get(re.sub(r"code=[^&]+", f"code={code}", first)).status_code == 400
    assert not is_in(client)


def test_the_code_of_a_thief_opens_nothing_even_where_pkce_is_not_checked(app, client, provider):
    provider.lies["no_pkce"] = True
    stolen = re.search(r"code=([^&]+)", say_yes(begin(app.test_client())))[1]

    assert refused(client, re.sub(r"code=[^&]+", f"code={stolen}", say_yes(begin(client))))


def test_an_answer_that_names_another_issuer_is_refused(client, provider):
    assert refused(client, say_yes(begin(client)) + "&iss=https%3A%2F%2Fevil.example")


def test_an_issuer_that_was_promised_and_is_missing_is_refused(client, provider):
    provider.lies["metadata"] = {"authorization_response_iss_parameter_supported": True}

    assert refused(client, say_yes(begin(client)))


@pytest.mark.parametrize(
    "metadata",
    [
        {"issuer": "https://evil.example"},
        {"token_endpoint": "http://evil.example/token"},
        {"jwks_uri": "file:///etc/passwd"},
        {"userinfo_endpoint": "http://evil.example/"},
        {"authorization_endpoint": None},
        {"code_challenge_methods_supported": ["plain"]},
    ],
)
def test_a_provider_that_says_wrong_things_of_itself_is_not_used(client, provider, metadata):
    provider.lies["metadata"] = metadata

    answer = client.post(BEGIN)

    assert answer.status_code == 503
    assert "does not work at the moment" in answer.text


def test_a_page_that_is_elsewhere_takes_one_more_link(client, provider):
    provider.lies["metadata"] = {"authorization_endpoint": provider.issuer.replace("127.0.0.1", "localhost") + "/authorize"}

    answer = client.post(BEGIN)

    assert answer.status_code == 200
    assert "Go on to Acme" in answer.text


# Programs


def id_token(provider, **changes):
    return provider.sign({**provider.claims(None), **changes})


def exchange(client, token, **more):
    return client.post(TOKENS, json={"provider": "acme", "id_token": token, **more})


def test_a_program_exchanges_an_id_token_once(client, provider):
    token = id_token(provider)

    answer = exchange(client, token)

    assert answer.status_code == 201
    assert client.get("/api/v1/me", headers={"Authorization": f"Bearer {answer.json['access_token']}"}).json["email"] == "ana@example.com"
    assert exchange(client, token).json["type"] == "/problems/sign-in-refused"


@pytest.mark.parametrize(
    "changes",
    [
        {"aud": "another-client"},
        {"iss": "https://evil.example"},
        {"iat": int(time.time()) - 3600},
        {"exp": int(time.time()) - 120},
        {"nonce": "not named by the program"},
        {"email_verified": False},
    ],
)
def test_a_program_with_an_id_token_that_does_not_hold_gets_nothing(client, provider, changes):
    answer = exchange(client, id_token(provider, **changes))

    assert answer.status_code in {400, 409}
    assert rows(select(LoginSession.id)) == []


def test_a_program_names_the_nonce_that_it_chose(client, provider):
    assert exchange(client, id_token(provider, nonce="n-1"), nonce="n-2").status_code == 400
    assert exchange(client, id_token(provider, nonce="n-1"), nonce="n-1").status_code == 201


def test_a_program_of_an_address_with_an_account_is_told_to_log_in(client, provider):
    make_user()

    assert exchange(client, id_token(provider)).json["type"] == "/problems/log-in-to-link"
    assert exchange(client, id_token(provider), nonce="x").status_code == 400
