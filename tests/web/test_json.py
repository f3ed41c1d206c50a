"""Strict bodies, clear problems, entity tags."""

from __future__ import annotations

import pytest
from flask import Flask
from flask.testing import FlaskClient

from shop.errors import OutOfStock, TooManyTries
from shop.web.fields import Email, Flag, ShopSchema, Text, WholeNumber
from shop.web.json import json_response, load_body


class Order(ShopSchema):
    email = Email(required=True)
    name = Text(maximum=20, minimum=1, required=True)
    quantity = WholeNumber(low=1, high=99, required=True)
    gift = Flag(load_default=False)


@pytest.fixture
def api(app: Flask) -> FlaskClient:
    """A client of a shop with a probe at /api/v1/probe."""
    if "probe" not in app.view_functions:
        app.__dict__["_got_first_request"] = False
        app.add_url_rule("/api/v1/probe", "probe", lambda: json_response(load_body(Order())), methods=["POST"])
        app.add_url_rule("/api/v1/probe", "read_probe", lambda: json_response({"a": 1}))
        app.add_url_rule("/api/v1/broken", "broken", lambda: 1 / 0)
        app.add_url_rule("/api/v1/gone", "gone", lambda: (_ for _ in ()).throw(OutOfStock("Only 2 are left.", lines=[{"available": 2}])))
        app.add_url_rule("/api/v1/slow", "slow", lambda: (_ for _ in ()).throw(TooManyTries("Wait.", retry_after_s=30)))
    return app.test_client()


GOOD = '{"email": "ana@example.com", "name": "Ana", "quantity": 2}'


def test_a_good_body_is_taken(api):
    answer = api.post("/api/v1/probe", data=GOOD, content_type="application/json")

    assert answer.json == {"email": "ana@example.com", "name": "Ana", "quantity": 2, "gift": False}


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ("", 400),
        ("{", 400),
        ("[]", 422),
        ("null", 422),
        ('"x"', 422),
        ("NaN", 400),
        ('{"quantity": Infinity}', 400),
        ('{"name": "a", "name": "b"}', 400),
        ("[" * 100_000, 400),
        ('{"a":' * 900 + "1" + "}" * 900, 400),
        ('{"name": "\\ud800", "email": "ana@example.com", "quantity": 1}', 422),
        ('{"name": "a\\u0000b", "email": "ana@example.com", "quantity": 1}', 422),
        ('{"name": {"a": 1}, "email": "ana@example.com", "quantity": 1}', 422),
        ('{"name": "Ana", "email": "ana@example.com", "quantity": 1.0}', 422),
        ('{"name": "Ana", "email": "ana@example.com", "quantity": "1"}', 422),
        ('{"name": "Ana", "email": "ana@example.com", "quantity": true}', 422),
        ('{"name": "Ana", "email": "ana@example.com", "quantity": 9223372036854775808}', 422),
        ('{"name": "Ana", "email": "ana@example.com", "quantity": 1e400}', 422),
        ('{"name": "Ana", "email": "ana@example.com", "quantity": ' + "9" * 5000 + "}", 400),
        ('{"name": "Ana", "email": "ana@example.com", "quantity": 1, "is_admin": true}', 422),
        (b'{"name": "\xff"}', 400),
    ],
)
def test_bad_bodies_get_a_clear_answer_and_never_a_500(api, body, status):
    answer = api.post("/api/v1/probe", data=body, content_type="application/json")

    assert answer.status_code == status
    assert answer.content_type == "application/problem+json"
    assert answer.json["title"]


def test_wrong_fields_are_pointed_at(api):
    answer = api.post("/api/v1/probe", json={"email": "x", "quantity": 0, "is_admin": True})

    assert {error["pointer"] for error in answer.json["errors"]} == {"/email", "/name", "/quantity", "/is_admin"}


def test_other_media_types_are_refused(api):
    assert api.post("/api/v1/probe", data=GOOD, content_type="text/plain").status_code == 415
    assert api.post("/api/v1/probe", data=GOOD).status_code == 415


def test_a_read_that_did_not_change_is_304(api):
    first = api.get("/api/v1/probe")

    again = api.get("/api/v1/probe", headers={"If-None-Match": first.headers["ETag"]})

    assert (again.status_code, again.data) == (304, b"")


def test_rules_of_the_shop_become_problems(api):
    answer = api.get("/api/v1/gone")

    assert answer.status_code == 409
    assert answer.json == {
        "type": "/problems/out-of-stock",
        "title": "Not enough in stock",
        "status": 409,
        "detail": "Only 2 are left.",
        "lines": [{"available": 2}],
    }


def test_a_caller_is_told_how_long_to_wait(api):
    assert api.get("/api/v1/slow").headers["Retry-After"] == "30"


def test_a_bug_says_nothing_but_its_request_id(api):
    answer = api.get("/api/v1/broken", headers={"X-Request-ID": "probe-1234"})  # no proxy of ours: visitors do not choose

    assert answer.status_code == 500
    assert answer.json["request_id"] == answer.headers["X-Request-ID"] != "probe-1234"
    assert "division" not in answer.text


def test_a_wrong_method_names_the_right_ones(api):
    answer = api.delete("/api/v1/probe")

    assert answer.status_code == 405
    assert "POST" in answer.headers["Allow"]


def test_an_unknown_path_under_the_api_is_a_problem(api):
    assert api.get("/api/v1/nothing").content_type == "application/problem+json"
