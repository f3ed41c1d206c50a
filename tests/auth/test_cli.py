"""``flask user …``"""

from __future__ import annotations

import re

import pytest
from sqlalchemy import select

from shop.auth.models import User
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
