"""Tokens for programs: given, shown, replaced, ended; and every forged one refused."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from datetime import timedelta
from types import SimpleNamespace

import pytest
from joserfc import jwt
from joserfc.jwk import OKPKey
from sqlalchemy import select, update

from shop.auth.models import AppKey, LoginSession, User
from shop.auth.second.services import app_of, begin_app, confirm_app
from shop.auth.services import change_password
from shop.auth.sessions import Doorstep
from shop.auth.staff_services import give_role
from shop.auth.tokens.models import RefreshToken, SigningKey
from shop.auth.tokens.signing import LIVES, rotate_keys, sign
from shop.clock import now
from tests.people import PASSWORD, change, inside, log_in, make_user, row, rows

ANA = {"email": "ana@example.com", "password": PASSWORD}
URL = "/api/v1/auth/tokens"
HERE = "http://127.0.0.1:8000"


def get_tokens(client, **wanted):
    answer = client.post(URL, json=wanted or ANA)
    assert answer.status_code == 201, answer.text
    return answer.json


def bearer(token):
    return {"Authorization": f"Bearer {token}"}


def ask_me(client, token):
    return client.get("/api/v1/me", headers=bearer(token))


def refresh(client, token):
    return client.post(f"{URL}/refresh", json={"refresh_token": token})


def parts(token):
    return [json.loads(base64.urlsafe_b64decode(part + "==")) for part in token.split(".")[:2]]


signed = inside(lambda claims, at=None: sign(claims, at=at or now()))
rotate = inside(lambda at=None: rotate_keys(at=at or now()))


# Giving and showing


def test_a_program_gets_tokens_without_a_cookie_and_is_who_they_say(client):
    make_user()

    answer = client.post(URL, json=ANA)

    assert answer.json["token_type"] == "Bearer"
    assert answer.json["expires_in"] == 600
    assert "Set-Cookie" not in answer.headers
    assert "no-store" in answer.headers["Cache-Control"]
    assert ask_me(client, answer.json["access_token"]).json["email"] == "ana@example.com"


def test_a_token_says_little_and_names_its_key(client):
    user_id = make_user()

    header, claims = parts(get_tokens(client)["access_token"])

    assert header == {"alg": "Ed25519", "typ": "at+jwt", "kid": row(select(SigningKey.kid)).kid}
    assert set(claims) == {"iss", "aud", "sub", "sid", "jti", "iat", "exp"}
    assert (claims["iss"], claims["aud"]) == (HERE, f"{HERE}/api/v1")
    assert str(user_id) != claims["sub"]
    assert "ana" not in json.dumps(claims)


def test_neither_token_nor_private_key_is_kept(client):
    make_user()

    tokens = get_tokens(client)

    kept = " ".join(str(tuple(found)) for model in (RefreshToken, SigningKey, LoginSession) for found in rows(select(model.__table__)))
    assert tokens["refresh_token"] not in kept
    assert hashlib.sha256(tokens["refresh_token"].encode()).hexdigest() in kept


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"email": "ana@example.com"},
        {**ANA, "ticket": "x"},
        {"ticket": "x"},
        {"code": "123456"},
        {**ANA, "id_token": "x"},
        {"provider": "x"},
    ],
)
def test_what_is_no_way_in_is_refused(client, body):
    make_user()

    assert client.post(URL, json=body).status_code == 422


def test_a_wrong_password_gives_no_token(client):
    make_user()

    answer = client.post(URL, json={**ANA, "password": "wrong one"})

    assert (answer.status_code, answer.json["type"]) == (401, "/problems/wrong-password")
    assert answer.headers["WWW-Authenticate"] == 'Bearer realm="shop"'
    assert rows(select(RefreshToken.id)) == []


@inside
def with_app(user_id):
    begin_app(user_id, at=now() - timedelta(minutes=2))
    salt = row(select(AppKey.salt)).salt
    confirm_app(user_id, code=app_of(salt).at(now() - timedelta(seconds=30)), step=Doorstep("127.0.0.1"), at=now())
    return lambda: app_of(salt).at(now())


def test_a_second_factor_is_asked_for_at_once_or_in_a_second_step(client):
    digits = inside(with_app(make_user()))

    alone = client.post(URL, json=ANA)
    by_ticket = client.post(URL, json={"ticket": alone.json["ticket"], "code": digits()})

    assert (alone.status_code, alone.json["type"]) == (401, "/problems/second-factor-needed")
    assert by_ticket.status_code == 201
    assert client.post(URL, json={**ANA, "code": digits()}).status_code == 422  # the same digits do not work twice


def test_a_password_with_a_right_code_is_one_step(client):
    digits = inside(with_app(make_user()))

    assert ask_me(client, get_tokens(client, **ANA, code=digits())["access_token"]).status_code == 200


def test_a_program_stands_among_the_devices(client):
    make_user()
    get_tokens(client)

    log_in(client)

    assert client.get("/account/devices").text.count("<li>") >= 2


def test_a_bearer_costs_two_statements(client, statements):
    make_user()
    token = get_tokens(client)["access_token"]
    ask_me(client, token)
    statements.clear()

    ask_me(client, token)

    assert len(statements) <= 2


# With and without a cookie


def test_a_token_counts_and_the_cookie_beside_it_does_not(client):
    make_user()
    make_user("eva@example.com", name="Eva")
    token = get_tokens(client)["access_token"]
    log_in(client, "eva@example.com")

    assert ask_me(client, token).json["name"] == "Ana"
    assert ask_me(client, "rubbish").status_code == 401
    assert client.get("/api/v1/me").json["name"] == "Eva"


def test_a_bearer_from_another_site_is_served_and_a_cookie_is_not(client):
    make_user()
    token = get_tokens(client)["access_token"]
    log_in(client)
    foreign = {"Origin": "https://evil.example", "Sec-Fetch-Site": "cross-site"}

    with_cookie = client.post("/api/v1/auth/logout", headers=foreign)
    with_token = client.delete(URL, headers={**foreign, **bearer(token)})

    assert (with_cookie.status_code, with_token.status_code) == (403, 204)


def test_a_page_takes_no_token(client):
    make_user()
    token = get_tokens(client)["access_token"]

    assert client.get("/account", headers=bearer(token)).status_code == 303
    foreign = {"Origin": "https://evil.example", "Sec-Fetch-Site": "cross-site", **bearer(token)}
    assert client.post("/logout", headers=foreign).status_code == 403


def test_what_a_bearer_does_sets_no_cookie(client):
    make_user()
    token = get_tokens(client)["access_token"]

    answer = client.post("/api/v1/auth/login", json=ANA, headers=bearer(token))

    assert "Set-Cookie" not in answer.headers


def test_a_bearer_has_the_cart_of_its_person(client):
    make_user()
    token = get_tokens(client)["access_token"]

    answer = client.get("/api/v1/cart", headers=bearer(token))

    assert answer.status_code == 200


def test_a_stale_token_does_not_keep_a_program_from_getting_new_ones(client):
    make_user()
    tokens = get_tokens(client)

    answer = client.post(f"{URL}/refresh", json={"refresh_token": tokens["refresh_token"]}, headers=bearer("stale"))

    assert answer.status_code == 200


# The next tokens


def test_a_refresh_token_gives_the_next_tokens_once(client):
    make_user()
    first = get_tokens(client)

    second = refresh(client, first["refresh_token"])

    assert second.status_code == 200
    assert second.json["refresh_token"] != first["refresh_token"]
    assert ask_me(client, second.json["access_token"]).status_code == 200


def test_a_refresh_token_that_comes_twice_ends_its_whole_log_in_and_no_other(client):
    make_user()
    stolen, other = get_tokens(client), get_tokens(client)
    followed = refresh(client, stolen["refresh_token"]).json

    again = refresh(client, stolen["refresh_token"])

    assert (again.status_code, again.json["type"]) == (401, "/problems/bad-token")
    assert 'error="invalid_token"' in again.headers["WWW-Authenticate"]
    assert refresh(client, followed["refresh_token"]).status_code == 401
    assert ask_me(client, followed["access_token"]).status_code == 401
    assert ask_me(client, other["access_token"]).status_code == 200


@pytest.mark.parametrize("token", ["", "rubbish", "A" * 43, "ü" * 20, "x" * 201])
def test_a_made_up_refresh_token_is_refused(client, token):
    assert refresh(client, token).status_code in {401, 422}


def test_an_access_token_is_no_refresh_token(client):
    make_user()

    assert refresh(client, get_tokens(client)["access_token"][:200]).status_code == 401


def test_a_log_in_lasts_no_longer_than_a_browser_s(client):
    make_user()
    token = get_tokens(client)["refresh_token"]
    change(update(LoginSession).values(created_at=now() - timedelta(days=89), expires_at=now() + timedelta(hours=1)))

    second = refresh(client, token).json

    assert row(select(LoginSession.expires_at)).expires_at < now() + timedelta(days=1, minutes=1)
    change(update(LoginSession).values(expires_at=now()))
    assert refresh(client, second["refresh_token"]).status_code == 401


# What ends them


ENDINGS = {
    "a lock": lambda _user_id: change(update(User).values(locked_at=now())),
    "another role": inside(lambda user_id: give_role(user_id, "staff", at=now())),
    "another password": inside(
        lambda _user_id: change_password(
            email="ana@example.com", current=PASSWORD, new="seven loud summer pears", step=Doorstep("127.0.0.1"), at=now()
        )
    ),
    "the list of devices": lambda _user_id: change(update(LoginSession).values(ended_at=now())),
    "erasing the account": lambda _user_id: change(User.__table__.delete()),
}


@pytest.mark.parametrize("ending", ENDINGS)
def test_tokens_end_at_once_by(client, ending):
    user_id = make_user()
    tokens = get_tokens(client)
    assert ask_me(client, tokens["access_token"]).status_code == 200

    ENDINGS[ending](user_id)

    assert ask_me(client, tokens["access_token"]).status_code == 401
    assert refresh(client, tokens["refresh_token"]).status_code == 401


def test_a_program_logs_out(client):
    make_user()
    tokens = get_tokens(client)

    assert client.delete(URL, headers=bearer(tokens["access_token"])).status_code == 204

    assert ask_me(client, tokens["access_token"]).status_code == 401
    assert refresh(client, tokens["refresh_token"]).status_code == 401


def test_the_session_of_a_browser_is_no_program(client):
    make_user()
    log_in(client)

    assert client.delete(URL).status_code == 204

    assert client.get("/api/v1/me").status_code == 200


# Keys


def test_another_key_signs_from_now_on_and_the_old_one_s_tokens_run_out(client, app):
    make_user()
    old = get_tokens(client)["access_token"]

    said = app.test_cli_runner().invoke(args=["auth", "rotate-keys"])

    new = get_tokens(client)["access_token"]
    assert parts(new)[0]["kid"] in said.output
    assert parts(new)[0]["kid"] != parts(old)[0]["kid"]
    assert ask_me(client, old).status_code == ask_me(client, new).status_code == 200
    assert len(client.get("/.well-known/jwks.json").json["keys"]) == 2


def test_a_key_that_was_replaced_long_ago_signs_nothing_more(client):
    make_user()
    token = get_tokens(client)["access_token"]

    rotate(now() - LIVES)

    assert ask_me(client, token).status_code == 401
    assert len(client.get("/.well-known/jwks.json").json["keys"]) == 1


def test_anybody_can_check_our_tokens_by_the_published_keys(client):
    make_user()
    token = get_tokens(client)["access_token"]

    published = client.get("/.well-known/jwks.json").json["keys"]

    assert "d" not in published[0]
    assert jwt.decode(token, OKPKey.import_key(published[0]), algorithms=["Ed25519"]).claims["iss"] == HERE


# Forged ones


def pack(header, claims, signature=b"x" * 64):
    def b64(value):
        raw = value if isinstance(value, bytes) else json.dumps(value).encode()
        return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()

    return f"{b64(header)}.{b64(claims)}.{b64(signature)}"


def hs(header, claims, secret):
    unsigned = pack(header, claims).rpartition(".")[0]
    mac = hmac.new(secret, unsigned.encode(), hashlib.sha256).digest()
    return f"{unsigned}.{base64.urlsafe_b64encode(mac).rstrip(b'=').decode()}"


def by_a_stranger(header, claims):
    return jwt.encode(header, claims, OKPKey.generate_key("Ed25519"), algorithms=["Ed25519"])


def public_key(client):
    return base64.urlsafe_b64decode(client.get("/.well-known/jwks.json").json["keys"][0]["x"] + "==")


FORGED = {
    "no signature": lambda f: f.token.rpartition(".")[0] + ".",
    "alg none": lambda f: pack({**f.header, "alg": "none"}, f.claims, b""),
    "alg None": lambda f: pack({**f.header, "alg": "None"}, f.claims, b""),
    "alg missing": lambda f: pack({"kid": f.header["kid"], "typ": f.header["typ"]}, f.claims),
    "hs256 with the public key": lambda f: hs({**f.header, "alg": "HS256"}, f.claims, public_key(f.client)),
    "hs256 with an empty key": lambda f: hs({**f.header, "alg": "HS256"}, f.claims, b""),
    "alg rs256": lambda f: pack({**f.header, "alg": "RS256"}, f.claims),
    "a stranger's key under our name": lambda f: by_a_stranger(f.header, f.claims),
    "a key in its own header": lambda f: by_a_stranger(
        {**f.header, "jwk": OKPKey.generate_key("Ed25519").as_dict(private=False)}, f.claims
    ),
    "keys at another address": lambda f: by_a_stranger({**f.header, "jku": "https://evil.example/keys"}, f.claims),
    "kid is a path": lambda f: by_a_stranger({**f.header, "kid": "../../../../dev/null"}, f.claims),
    "kid is a statement": lambda f: by_a_stranger({**f.header, "kid": "' OR 1=1 --"}, f.claims),
    "kid is no text": lambda f: pack({**f.header, "kid": ["x"]}, f.claims),
    "kid is missing": lambda f: by_a_stranger({"alg": "Ed25519", "typ": f.header["typ"]}, f.claims),
    "an unknown critical header": lambda f: pack({**f.header, "crit": ["exp"]}, f.claims),
    "claims changed": lambda f: ".".join(
        [f.token.split(".")[0], pack(f.header, {**f.claims, "sub": "0" * 32}).split(".")[1], f.token.split(".")[2]]
    ),
    "another kind of token": lambda f: pack({**f.header, "typ": "JWT"}, f.claims),
    "another issuer": lambda f: signed({**f.claims, "iss": "https://evil.example"}),
    "no issuer": lambda f: signed({**f.claims, "iss": None}),
    "another audience": lambda f: signed({**f.claims, "aud": "https://evil.example"}),
    "two audiences": lambda f: signed({**f.claims, "aud": [f.claims["aud"], "https://evil.example"]}),
    "expired": lambda f: signed({**f.claims, "exp": f.claims["iat"] - 1}),
    "no expiry": lambda f: signed({name: value for name, value in f.claims.items() if name != "exp"}),
    "expiry is a text": lambda f: signed({**f.claims, "exp": "tomorrow"}),
    "expiry is no number": lambda f: signed({**f.claims, "exp": True}),
    "not before tomorrow": lambda f: signed({**f.claims, "nbf": f.claims["iat"] + 86_400}),
    "issued tomorrow": lambda f: signed({**f.claims, "iat": f.claims["iat"] + 86_400}),
    "another person": lambda f: signed({**f.claims, "sub": "0" * 32}),
    "a person that is no text": lambda f: signed({**f.claims, "sub": 1}),
    "an unknown log-in": lambda f: signed({**f.claims, "sid": "0" * 22}),
    "a log-in that is no text": lambda f: signed({**f.claims, "sid": [f.claims["sid"]]}),
    "huge": lambda f: signed({**f.claims, "more": "x" * 5000}),
    "a megabyte of dots": lambda _f: "." * 50_000,
    "garbage": lambda _f: "garbage",
    "garbage in three parts": lambda _f: "a.b.c",
    "nothing": lambda _f: "",
    "two tokens": lambda f: f"{f.token} {f.token}",
    "more than letters": lambda _f: "é" * 30,
    "encrypted": lambda _f: "a.b.c.d.e",
    "claims are a list": lambda f: pack(f.header, [1]),
    "deep": lambda f: pack(f.header, b"[" * 900 + b"]" * 900),
}


@pytest.mark.parametrize("kind", FORGED)
def test_a_forged_token_is_refused(client, kind):
    make_user()
    token = get_tokens(client)["access_token"]
    header, claims = parts(token)

    answer = ask_me(client, FORGED[kind](SimpleNamespace(client=client, token=token, header=header, claims=claims)))

    assert (answer.status_code, answer.json["type"]) == (401, "/problems/bad-token")
    assert answer.headers["WWW-Authenticate"] == 'Bearer realm="shop", error="invalid_token"'
    assert ask_me(client, token).status_code == 200


def test_a_token_that_we_sign_with_its_own_claims_is_taken(client):
    """The table above would pass by refusing everything."""
    make_user()
    _header, claims = parts(get_tokens(client)["access_token"])

    assert ask_me(client, signed({**claims, "exp": claims["exp"] + 60})).status_code == 200


def test_a_stranger_with_no_token_is_told_how_to_show_one(client):
    assert client.get("/api/v1/me").headers["WWW-Authenticate"] == 'Bearer realm="shop"'
