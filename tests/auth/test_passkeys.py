"""Passkeys: what they open, and everything that must not open anything."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from sqlalchemy import select, update

from shop.auth.models import LoginSession, Passkey, Ticket, User
from shop.clock import now
from tests.auth.authenticator import PRESENT, VERIFIED, Key
from tests.factories import NOON
from tests.mailbox import letters_to
from tests.people import PASSWORD, change, log_in, make_user, row, rows

ANA = "ana@example.com"


def add(client, **lies):
    key = Key()
    options = client.post("/api/v1/me/passkeys/options").json
    answer = client.post("/api/v1/me/passkeys", json={"credential": key.make(options, **lies), "name": "Desk"})
    return key, answer


def ask(client, **body):
    return client.post("/api/v1/auth/passkeys/options", json=body).json


def enter(client, credential, **more):
    return client.post("/api/v1/auth/passkeys/login", json={"credential": credential, **more})


@pytest.fixture
def member(client):
    make_user()
    log_in(client)
    return client


@pytest.fixture
def key(member):
    key, answer = add(member)
    assert answer.status_code == 201, answer.text
    return key


def test_a_passkey_is_added_with_recovery_codes_and_its_owner_is_told(app, member):
    _key, answer = add(member)

    assert len(answer.json["codes"]) == 10
    listed = member.get("/api/v1/me/security").json["passkeys"]
    assert [passkey["name"] for passkey in listed] == ["Desk"]
    assert letters_to(app, ANA)[-1].subject == "Your account has a second factor"


def test_a_passkey_alone_logs_in(app, key):
    browser = app.test_client()

    answer = enter(browser, key.sign(ask(browser)))

    assert (answer.status_code, answer.json["email"]) == (200, ANA)
    assert browser.get("/api/v1/me").status_code == 200
    assert rows(select(LoginSession.has_second_factor).order_by(LoginSession.id.desc()))[0].has_second_factor is True


def test_a_passkey_that_did_not_check_its_owner_is_the_second_step_only(app, key):
    browser = app.test_client()
    assert enter(browser, key.sign(ask(browser), flags=PRESENT)).status_code == 401

    ticket = browser.post("/api/v1/auth/login", json={"email": ANA, "password": PASSWORD}).json["ticket"]
    answer = enter(browser, key.sign(ask(browser, ticket=ticket), flags=PRESENT), ticket=ticket)

    assert answer.status_code == 200


LIES = [
    {"origin": "https://evil.test"},
    {"origin": "http://127.0.0.1:8001"},
    {"origin": "https://127.0.0.1:8000"},
    {"rp_id": "evil.test"},
    {"flags": VERIFIED},
    {"flags": 0},
    {"count": 0},
]


@pytest.mark.parametrize("lie", LIES, ids=str)
def test_what_does_not_fit_lets_nobody_in(app, key, lie):
    browser = app.test_client()
    assert enter(browser, key.sign(ask(browser))).status_code == 200
    stranger = app.test_client()

    answer = enter(stranger, key.sign(ask(stranger), **lie))

    assert (answer.status_code, answer.json["type"]) == (401, "/problems/passkey-refused")
    assert stranger.get("/api/v1/me").status_code == 401


@pytest.mark.parametrize("lie", [{"origin": "https://evil.test"}, {"rp_id": "evil.test"}], ids=str)
def test_a_passkey_made_elsewhere_is_not_added(member, lie):
    _key, answer = add(member, **lie)

    assert answer.status_code == 422
    assert rows(select(Passkey.id)) == []


def test_a_foreign_key_under_a_known_name_is_refused(app, key):
    browser, forged = app.test_client(), Key()
    forged.id = key.id

    assert enter(browser, forged.sign(ask(browser), count=99)).status_code == 401


def test_an_answer_works_once(app, key):
    browser = app.test_client()
    answer = key.sign(ask(browser))
    assert enter(browser, answer).status_code == 200

    assert enter(app.test_client(), answer).status_code == 410


def test_of_two_copies_of_an_answer_one_gets_in(app, key):
    answer = key.sign(ask(app.test_client()))

    with ThreadPoolExecutor(4) as pool:
        statuses = sorted(pool.map(lambda _number: enter(app.test_client(), answer).status_code, range(4)))

    assert statuses.count(200) == 1


def test_a_challenge_that_was_never_given_or_is_too_old_or_of_another_kind_is_refused(app, member, key):
    browser = app.test_client()
    made_up = key.sign(ask(browser), challenge="bm90IG91cnM")
    of_adding = key.sign(member.post("/api/v1/me/passkeys/options").json)
    old = key.sign(ask(browser))
    change(update(Ticket).values(expires_at=now() - timedelta(seconds=1)))

    assert [enter(browser, answer).status_code for answer in (made_up, of_adding, old)] == [410, 410, 410]


def test_the_second_step_takes_only_a_passkey_of_the_same_person(app, key):
    make_user("eve@example.com", name="Eve")
    eve = app.test_client()
    log_in(eve, "eve@example.com")
    hers, _answer = add(eve)
    thief = app.test_client()
    ticket = thief.post("/api/v1/auth/login", json={"email": ANA, "password": PASSWORD}).json["ticket"]

    assert enter(thief, hers.sign(ask(thief, ticket=ticket)), ticket=ticket).status_code == 401
    assert enter(thief, hers.sign(ask(thief)), ticket=ticket).status_code == 401
    assert thief.get("/api/v1/me").status_code == 401


def test_a_locked_person_is_not_let_in(app, key):
    change(update(User).values(locked_at=NOON))
    browser = app.test_client()

    assert enter(browser, key.sign(ask(browser))).status_code == 401


@pytest.mark.parametrize(
    "credential",
    [
        {},
        {"id": 7},
        {"id": "x", "response": None},
        {"id": "x", "response": {"clientDataJSON": "e30"}},
        {"id": "x", "response": {"clientDataJSON": "W10"}},
        {"id": "x", "response": {"clientDataJSON": "\0"}},
        {"id": "x", "response": {"clientDataJSON": 7}},
        {"id": ["x"], "response": {"clientDataJSON": "eyJjaGFsbGVuZ2UiOjd9"}},
        {"id": "x", "response": {"clientDataJSON": "eyJjaGFsbGVuZ2UiOiLDqSJ9"}},
    ],
)
def test_nonsense_is_no_bug(app, key, credential):
    assert enter(app.test_client(), credential).status_code in {401, 410, 422}


@pytest.mark.parametrize("part", ["clientDataJSON", "authenticatorData", "signature", "userHandle"])
@pytest.mark.parametrize("value", ["", "AA", 7, None, ["x"], "é", "A" * 9000])
def test_a_damaged_answer_is_no_bug(app, key, part, value):
    browser = app.test_client()
    answer = key.sign(ask(browser))
    answer["response"][part] = value

    status = enter(browser, answer).status_code

    assert status in {401, 410, 422} or (part == "userHandle" and status == 200)


@pytest.mark.parametrize("value", ["", "AA", 7, None, "A" * 9000])
def test_a_damaged_new_passkey_is_no_bug(member, value):
    made = Key().make(member.post("/api/v1/me/passkeys/options").json)
    made["response"]["attestationObject"] = value

    assert member.post("/api/v1/me/passkeys", json={"credential": made}).status_code == 422


def test_a_passkey_of_somebody_else_is_not_there(app, member, key):
    make_user("eve@example.com", name="Eve")
    eve = app.test_client()
    log_in(eve, "eve@example.com")
    passkey = row(select(Passkey.id)).id

    assert eve.patch(f"/api/v1/me/passkeys/{passkey}", json={"name": "Mine"}).status_code == 404
    assert eve.delete(f"/api/v1/me/passkeys/{passkey}").status_code == 404
    assert eve.get(f"/account/security/passkeys/{passkey}").status_code == 404
    assert member.patch(f"/api/v1/me/passkeys/{passkey}", json={"name": "Mine"}).status_code == 204
    assert row(select(Passkey.name)).name == "Mine"


def test_a_removed_passkey_lets_nobody_in(app, member, key):
    passkey = row(select(Passkey.id)).id

    assert member.delete(f"/api/v1/me/passkeys/{passkey}").status_code == 204

    browser = app.test_client()
    assert enter(browser, key.sign(ask(browser))).status_code == 401
    assert member.get("/api/v1/me").status_code == 200
    assert log_in(app.test_client()).location == "/account"


def test_adding_one_wants_a_proof_of_now(member):
    change(update(LoginSession).values(proved_at=NOON))

    assert member.post("/api/v1/me/passkeys/options").json["type"] == "/problems/proof-needed"


def test_a_passkey_of_two_accounts_is_refused(app, member, key):
    make_user("eve@example.com", name="Eve")
    eve = app.test_client()
    log_in(eve, "eve@example.com")

    made = key.make(eve.post("/api/v1/me/passkeys/options").json)

    assert eve.post("/api/v1/me/passkeys", json={"credential": made}).status_code == 422
