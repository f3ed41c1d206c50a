"""Ordering by JSON."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import func, select

from shop.db import scalar
from shop.order.models import Order
from tests.checkout.test_views import fill_cart
from tests.people import inside, log_in, make_user

BODY: dict[str, Any] = {
    "email": "lucia@example.com",
    "shipping_address": {"name": "Lucía", "line1": "Calle Feria 18", "city": "Sevilla", "postcode": "41003", "country": "ES"},
    "shipping_method": "standard",
    "payment_method": "test_card",
    "accepts_terms": True,
}


@inside
def count_orders() -> int:
    return int(scalar(select(func.count()).select_from(Order)) or 0)


def test_an_order_says_where_to_pay(client):
    fill_cart(client)

    answer = client.post("/api/v1/orders", json=BODY)

    assert answer.status_code == 201, answer.text
    assert answer.headers["Location"] == answer.json["url"]
    assert answer.json["state"] == "open"
    assert [(line["quantity"], line["total"]["minor"]) for line in answer.json["lines"]] == [(2, 2900)]
    assert answer.json["totals"]["total"] == {"minor": 3390, "currency": "EUR"}
    assert answer.json["payment"]["state"] == "unpaid"
    assert answer.json["payment"]["next"].endswith("/test-card")
    shown = client.get(answer.json["url"].partition("/orders/")[2].join(["/api/v1/orders/", ""]))
    assert (shown.status_code, shown.json["number"]) == (200, answer.json["number"])


def test_the_same_key_gives_the_same_order(client):
    fill_cart(client)
    headers = {"Idempotency-Key": "one"}

    first = client.post("/api/v1/orders", json=BODY, headers=headers)
    again = client.post("/api/v1/orders", json=BODY, headers=headers)

    assert (first.status_code, first.data) == (again.status_code, again.data) == (201, first.data)
    assert count_orders() == 1
    assert client.post("/api/v1/orders", json=BODY).json["type"] == "/problems/cart-empty"


def test_another_quote_than_shown_is_refused_with_the_new_one(client):
    fill_cart(client)

    answer = client.post("/api/v1/orders", json={**BODY, "shown": "another"})

    assert (answer.status_code, answer.mimetype, answer.json["type"]) == (409, "application/problem+json", "/problems/quote-changed")
    again = client.post("/api/v1/orders", json={**BODY, "shown": answer.json["quote"]["fingerprint"]})
    assert again.status_code == 201


def test_collected_needs_a_name_only(client):
    fill_cart(client)

    answer = client.post("/api/v1/orders", json={**BODY, "shipping_method": "pickup", "shipping_address": {"name": "Ana"}})

    assert answer.status_code == 201, answer.text
    assert answer.json["totals"]["shipping"]["minor"] == 0


ADDRESS = BODY["shipping_address"]


@pytest.mark.parametrize(
    ("changes", "pointers"),
    [
        ({"email": "x"}, {"/email"}),
        ({"email": None}, {"/email"}),
        ({"email": 2**63}, {"/email"}),
        ({"shipping_address": None}, {"/shipping_address"}),
        ({"shipping_address": []}, {"/shipping_address"}),
        ({"shipping_address": {}}, {"/shipping_address/country", "/shipping_address/name"}),
        ({"shipping_address": {**ADDRESS, "country": "XX"}}, {"/shipping_address/country", "/shipping_method"}),
        ({"shipping_address": {**ADDRESS, "postcode": "1"}}, {"/shipping_address/postcode"}),
        ({"shipping_address": {**ADDRESS, "line1": "\x00"}}, {"/shipping_address/line1"}),
        ({"shipping_address": {**ADDRESS, "city": "\ud800"}}, {"/shipping_address/city"}),
        ({"shipping_address": {**ADDRESS, "user_id": 1}}, {"/shipping_address/user_id"}),
        ({"billing_address": {**ADDRESS, "postcode": "1"}}, {"/billing_address/postcode"}),
        ({"shipping_method": "pigeon"}, {"/shipping_method"}),
        ({"shipping_method": "europe"}, {"/shipping_method"}),
        ({"shipping_method": ""}, {"/shipping_method"}),
        ({"payment_method": "cash"}, {"/payment_method"}),
        ({"accepts_terms": False}, {"/accepts_terms"}),
        ({"accepts_terms": "yes"}, {"/accepts_terms"}),
        ({"price": 1}, {"/price"}),
        ({"state": "paid"}, {"/state"}),
        ({"user_id": 1}, {"/user_id"}),
        ({"note": "x" * 1001}, {"/note"}),
    ],
)
def test_what_is_wrong_is_named_by_its_pointer_and_nothing_is_ordered(client, changes, pointers):
    fill_cart(client)

    answer = client.post("/api/v1/orders", json={**BODY, **changes})

    assert answer.status_code == 422, answer.text
    assert pointers <= {error["pointer"] for error in answer.json["errors"]}
    assert count_orders() == 0


@pytest.mark.parametrize("missing", sorted(BODY))
def test_each_part_is_needed(client, missing):
    fill_cart(client)

    answer = client.post("/api/v1/orders", json={name: value for name, value in BODY.items() if name != missing})

    assert answer.status_code == 422


def test_without_a_cart_there_is_nothing_to_order(client):
    answer = client.post("/api/v1/orders", json=BODY)

    assert (answer.status_code, answer.json["type"]) == (409, "/problems/cart-empty")


@pytest.mark.parametrize("is_member", [False, True])
def test_an_order_whose_answer_was_lost_is_answered_with_the_same_key(client, monkeypatch, is_member):
    if is_member:
        make_user(email="lucia@example.com")
        log_in(client, "lucia@example.com")
    fill_cart(client)
    headers = {"Idempotency-Key": "one"}
    with monkeypatch.context() as dying:  # killed after the order was written and before its answer was kept
        dying.setattr("shop.web.idempotency._keep", lambda *_: None)
        first = client.post("/api/v1/orders", json=BODY, headers=headers)
    at_once = client.post("/api/v1/orders", json=BODY, headers=headers)
    monkeypatch.setattr("shop.web.idempotency.GIVEN_UP", timedelta(0))

    later = client.post("/api/v1/orders", json=BODY, headers=headers)

    assert (first.status_code, at_once.status_code, at_once.json["type"]) == (201, 409, "/problems/key-in-use")
    assert (later.status_code, later.json["number"], later.json["payment"]["next"]) == (
        201,
        first.json["number"],
        first.json["payment"]["next"],
    )
    assert count_orders() == 1


def test_a_key_that_was_given_up_before_anything_was_ordered_orders(client, monkeypatch):
    fill_cart(client)
    headers = {"Idempotency-Key": "one"}
    with monkeypatch.context() as dying:
        dying.setattr("shop.web.idempotency._keep", lambda *_: None)
        client.post("/api/v1/orders", json={**BODY, "shown": "another"}, headers=headers)
    monkeypatch.setattr("shop.web.idempotency.GIVEN_UP", timedelta(0))

    assert client.post("/api/v1/orders", json=BODY, headers=headers).status_code == 201


def test_a_key_whose_second_try_died_as_well_gives_the_order_of_the_first(client, monkeypatch):
    fill_cart(client)
    headers = {"Idempotency-Key": "one"}
    monkeypatch.setattr("shop.web.idempotency.GIVEN_UP", timedelta(0))
    with monkeypatch.context() as dying:
        dying.setattr("shop.web.idempotency._keep", lambda *_: None)
        first = client.post("/api/v1/orders", json=BODY, headers=headers)
        client.post("/api/v1/orders", json=BODY, headers=headers)

    third = client.post("/api/v1/orders", json=BODY, headers=headers)

    assert (third.status_code, third.json["number"]) == (201, first.json["number"])
    assert count_orders() == 1


def test_a_key_whose_first_try_broke_after_the_order_gives_that_order(client, monkeypatch):
    fill_cart(client)
    headers = {"Idempotency-Key": "one"}
    with monkeypatch.context() as breaking:
        breaking.setattr("shop.checkout.api.start_payment", lambda *_args, **_kwargs: 1 / 0)
        breaking.setitem(client.application.config, "PROPAGATE_EXCEPTIONS", False)
        assert client.post("/api/v1/orders", json=BODY, headers=headers).status_code == 500

    again = client.post("/api/v1/orders", json=BODY, headers=headers)

    assert again.status_code == 201
    assert count_orders() == 1
