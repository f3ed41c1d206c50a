"""Promotions by JSON for staff, and codes by the command line."""

from __future__ import annotations

from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from tests.factories import make_product
from tests.people import inside, log_in, make_user
from tests.promotions import make_promotion

ALL = "/api/v1/promotions"
BODY: dict[str, Any] = {"kind": "percent", "percent_bp": 1000, "names": {"en": "Ten off", "es": "Diez menos"}, "needs_code": True}


@pytest.fixture
def staff(client: FlaskClient) -> FlaskClient:
    make_user("nuria@example.com", role="catalog")
    log_in(client, "nuria@example.com")
    return client


def test_a_promotion_is_made_read_and_sent_again_as_it_was_read(staff: FlaskClient) -> None:
    mug = inside(make_product)()
    made = staff.post(ALL, json={**BODY, "scope": {"variant_ids": [mug.variant_id]}, "minimum": {"minor": 500, "currency": "EUR"}})

    record = staff.get(made.headers["Location"]).json
    body = {name: value for name, value in record.items() if name not in {"id", "state", "used", "ended_at"}}
    again = staff.put(made.headers["Location"], json=body)
    stale = staff.put(made.headers["Location"], json=body)

    assert (made.status_code, again.status_code, stale.status_code) == (201, 200, 409)
    assert {**again.json, "version": 1} == record == made.json
    assert (record["scope"]["variant_ids"], record["minimum"]["minor"], record["state"]) == ([mug.variant_id], 500, "running")


@pytest.mark.parametrize(
    ("changes", "pointer"),
    [
        ({"kind": "percent", "percent_bp": 0}, "/percent_bp"),
        ({"kind": "fixed"}, "/amount"),
        ({"kind": "tiers"}, "/tiers"),
        ({"kind": "lottery"}, "/kind"),
        ({"names": {"es": "Diez"}}, "/names/en"),
        ({"scope": {}}, "/scope"),
        ({"scope": {"product_ids": [999]}}, "/scope"),
        ({"group_id": 999}, "/group_id"),
        ({"max_uses": 2**63}, "/max_uses"),
        ({"valid_from": "2026-12-02T00:00:00Z", "valid_until": "2026-12-01T00:00:00Z"}, "/valid_until"),
    ],
)
def test_what_is_wrong_is_named_by_its_pointer(staff: FlaskClient, changes: dict[str, Any], pointer: str) -> None:
    answer = staff.post(ALL, json={**BODY, **changes})

    assert answer.status_code == 422
    assert pointer in [error["pointer"] for error in answer.json["errors"]], answer.json


def test_a_percentage_that_nobody_named_is_not_the_whole_price(staff: FlaskClient) -> None:
    answer = staff.post(ALL, json={"kind": "percent", "names": {"en": "Oops"}})

    assert (answer.status_code, answer.json["errors"][0]["pointer"]) == (422, "/percent_bp")


def test_codes_are_added_made_listed_and_ended(staff: FlaskClient) -> None:
    url = staff.post(ALL, json=BODY).headers["Location"]

    one = staff.post(f"{url}/codes", json={"code": " summer "})
    taken = staff.post(f"{url}/codes", json={"code": "Summer"})
    many = staff.post(f"{url}/batches", json={"count": 60, "prefix": "VIP-"})
    first = staff.get(f"{url}/codes").json
    rest = staff.get(first["next"]).json
    ended = staff.delete(f"{url}/codes/{rest['items'][-1]['id']}")

    assert (one.json["codes"], taken.status_code, len(many.json["codes"])) == (["SUMMER"], 409, 60)
    assert len(first["items"]) + len(rest["items"]) == 61
    assert (ended.status_code, staff.get(first["next"]).json["items"][-1]["ended_at"] is not None) == (204, True)


def test_a_promotion_is_ended_and_started_again_by_json(staff: FlaskClient) -> None:
    url = f"{ALL}/{inside(make_promotion)()}"

    assert staff.post(f"{url}/end").json["state"] == "ended"
    assert staff.get(f"{ALL}?state=ended").json["items"][0]["url"] == url
    assert staff.delete(f"{url}/end").json["state"] == "running"
    assert staff.get(f"{ALL}/999").status_code == 404


def test_nobody_else_gets_in(client: FlaskClient) -> None:
    assert client.get(ALL).status_code == 401
    make_user()
    log_in(client)
    assert client.get(ALL).status_code == 403
    assert client.post(ALL, json=BODY).status_code == 403


def test_the_command_line_makes_codes_as_a_table(app: Flask) -> None:
    promotion_id = inside(make_promotion)(code="SUMMER")
    automatic = inside(make_promotion)()

    made = app.test_cli_runner().invoke(args=["promotion", "codes", str(promotion_id), "25", "--prefix", "VIP"])
    refused = app.test_cli_runner().invoke(args=["promotion", "codes", str(automatic), "1"])

    lines = made.output.split()
    assert (lines[0], len(set(lines[1:])), all(line.startswith("VIP") for line in lines[1:])) == ("code", 25, True)
    assert refused.exit_code == 1
    assert "works by itself" in refused.output
