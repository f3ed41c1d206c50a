"""Coming and going, as JSON."""

from __future__ import annotations

import pytest
from sqlalchemy import select

from shop.auth.models import User
from tests.mailbox import letters_to
from tests.people import PASSWORD, make_user, rows

ANA = {"email": "ana@example.com", "password": PASSWORD}


def test_registering_waits_for_the_mail_and_then_answers_with_the_person_and_a_session(app, client):
    asked = client.post("/api/v1/auth/register", json={**ANA, "name": "Ana"})
    assert (asked.status_code, rows(select(User.id))) == (202, [])

    token = letters_to(app, "ana@example.com")[-1].token
    answer = client.post("/api/v1/auth/register/confirmation", json={"token": token, "password": PASSWORD})

    assert (answer.status_code, answer.headers["Location"]) == (201, "/api/v1/me")
    assert answer.json == client.get("/api/v1/me").json == {"email": "ana@example.com", "name": "Ana", "role": "customer", "locale": "en"}


def test_logging_in_and_out(client):
    make_user()

    assert client.post("/api/v1/auth/login", json=ANA).json["name"] == "Ana"
    assert client.get("/api/v1/me").status_code == 200
    assert client.post("/api/v1/auth/logout").status_code == 204
    assert client.get("/api/v1/me").status_code == 401


def test_a_wrong_password_is_a_problem_without_a_cookie(client):
    make_user()

    answer = client.post("/api/v1/auth/login", json={**ANA, "password": "wrong one"})

    assert (answer.status_code, answer.mimetype) == (401, "application/problem+json")
    assert answer.json["type"] == "/problems/wrong-password"
    assert "Set-Cookie" not in answer.headers


@pytest.mark.parametrize(
    ("changes", "pointer"),
    [
        ({"email": 7}, "/email"),
        ({"email": "ana"}, "/email"),
        ({"password": None}, "/password"),
        ({"password": "kurz"}, "/password"),
        ({"password": "password123"}, "/password"),
        ({"name": ["Ana"]}, "/name"),
        ({"name": "A" * 121}, "/name"),
        ({"name": "\ud800"}, "/name"),
        ({"role": "admin"}, "/role"),
        ({"is_admin": True}, "/is_admin"),
    ],
)
def test_a_body_that_will_not_do_is_named_by_its_pointer(client, changes, pointer):
    answer = client.post("/api/v1/auth/register", json={**ANA, "name": "Ana", **changes})

    assert answer.status_code == 422
    assert [problem["pointer"] for problem in answer.json["errors"]] == [pointer]
    assert rows(select(User.id)) == []


def test_a_form_is_not_taken_for_json(client):
    make_user()

    assert client.post("/api/v1/auth/login", data=ANA).status_code == 415
    assert client.post("/api/v1/auth/login", data='{"email": "ana@example.com"}', content_type="text/plain").status_code == 415


def test_too_many_tries_say_when_to_come_back(client):
    make_user()
    for _try in range(10):
        client.post("/api/v1/auth/login", json={**ANA, "password": "wrong one"})

    answer = client.post("/api/v1/auth/login", json=ANA)

    assert answer.status_code == 429
    assert 0 < int(answer.headers["Retry-After"]) <= 900
    assert answer.json["type"] == "/problems/too-many-tries"
