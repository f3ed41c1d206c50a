"""``flask user …``"""

from __future__ import annotations

import re

import pytest
from pyotp import TOTP
from sqlalchemy import select

from shop.auth.models import User
from tests.mailbox import letters_to
from tests.people import PASSWORD, log_in, make_user, row, rows


@pytest.fixture
def flask(app):
    return lambda *words, **kwargs: app.test_cli_runner().invoke(args=["user", *words], **kwargs)


def test_an_admin_is_made_with_a_given_password(flask, client):
    made = flask("create-admin", "Boss@Example.com", "--name", "Boss", "--password", PASSWORD)

    assert made.exit_code == 0
    assert PASSWORD not in made.output
    log_in(client, "boss@example.com")
    assert client.get("/api/v1/me").json["role"] == "admin"


def test_where_nobody_can_be_asked_a_password_is_made_and_shown_once(flask, client):
    made = flask("create-admin", "boss@example.com")

    password = re.search(r"Password: (\S+)", made.output)[1]
    assert len(password) >= 16
    assert log_in(client, "boss@example.com", password).status_code == 303


def test_the_environment_may_hold_the_password(flask, client):
    made = flask("create-admin", "boss@example.com", env={"SHOP_ADMIN_PASSWORD": PASSWORD})

    assert "Password:" not in made.output
    assert log_in(client, "boss@example.com").status_code == 303


def test_somebody_with_an_account_becomes_admin_and_is_logged_out(flask, client):
    make_user()
    log_in(client)

    made = flask("create-admin", "ana@example.com", "--password", "another good one")

    assert "now an admin" in made.output
    assert client.get("/api/v1/me").status_code == 401
    assert log_in(client, password="another good one").status_code == 303
    assert row(select(User.role, User.name)) == ("admin", "Ana")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["nowhere", "--password", PASSWORD], "e-mail address"),
        (["boss@example.com", "--password", "short"], "8 to 256"),
        (["boss@example.com", "--password", "password123"], "guessed first"),
        (["boss@example.com", "--name", "x" * 121], "at most 120"),
    ],
)
def test_what_will_not_do_is_said_and_nothing_is_made(flask, words, said):
    made = flask("create-admin", *words)

    assert made.exit_code == 2
    assert said in made.output
    assert rows(select(User.id)) == []


def test_the_list_names_everybody(flask):
    make_user()
    make_user("boss@example.com", name="Boss", role="admin")

    lines = flask("list").output.splitlines()

    assert [line.split()[:3] for line in lines] == [["admin", "boss@example.com", "Boss"], ["customer", "ana@example.com", "Ana"]]


# For people who locked themselves out


def test_a_role_is_given_and_taken_and_its_sessions_end(flask, client):
    make_user()
    make_user("boss@example.com", role="admin")
    log_in(client)

    assert flask("grant", "Ana@Example.com", "support").exit_code == 0
    assert client.get("/api/v1/me").status_code == 401
    log_in(client)
    assert client.get("/api/v1/me").json["role"] == "support"
    assert "customer now" in flask("revoke", "ana@example.com").output
    assert row(select(User.role).where(User.email == "ana@example.com")).role == "customer"


def test_who_is_locked_is_out_at_once_and_may_come_back(flask, client):
    make_user()
    log_in(client)

    assert flask("lock", "ana@example.com").exit_code == 0
    assert client.get("/api/v1/me").status_code == 401
    assert log_in(client).status_code == 422
    assert flask("unlock", "ana@example.com").exit_code == 0
    assert log_in(client).status_code == 303


def test_a_lost_password_and_a_lost_phone(flask, app, client):
    make_user()
    log_in(client)
    key = client.post("/api/v1/me/security/app").json["letters"].replace(" ", "")
    client.post("/api/v1/me/security/app/confirmation", json={"code": TOTP(key).now()})

    half = flask("reset-password", "ana@example.com")
    assert log_in(client, password=re.search(r"Password: (\S+)", half.output)[1]).location == "/login/code"
    whole = flask("reset-password", "ana@example.com", "--without-second-factor")

    assert "no second factor" in whole.output
    assert log_in(client, password=re.search(r"Password: (\S+)", whole.output)[1]).location == "/account"
    assert "Your password was changed" in [letter.subject for letter in letters_to(app, "ana@example.com")]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["grant", "nobody@example.com", "admin"], "Nobody has the address"),
        (["grant", "ana@example.com", "emperor"], "There is no such role"),
        (["grant", "ana", "admin"], "Write an e-mail address"),
        (["reset-password", "ana@example.com", "--password", "short"], "Use 8 to 256 characters"),
        (["reset-password", "nobody@example.com"], "Nobody has the address"),
        (["lock", "boss@example.com"], "Make somebody else an administrator first"),
        (["revoke", "boss@example.com"], "Make somebody else an administrator first"),
        (["grant", "boss@example.com", "staff"], "Make somebody else an administrator first"),
    ],
)
def test_what_cannot_be_done_is_said_and_changes_nothing(flask, words, said):
    make_user()
    make_user("boss@example.com", role="admin")
    before = rows(select(User.__table__))

    result = flask(*words)

    assert result.exit_code != 0
    assert said in result.output
    assert rows(select(User.__table__)) == before
