"""The trail on its page and as JSON; acts of staff, by page and by program, are in it."""

from __future__ import annotations

import pytest
from sqlalchemy import select

from shop.trail.models import StaffAct
from tests.factories import make_product
from tests.office import Desk, words
from tests.orders import make_order
from tests.people import inside, log_in, make_user, rows

ACTS = select(StaffAct.actor, StaffAct.permission, StaffAct.what, StaffAct.subject, StaffAct.before, StaffAct.after, StaffAct.network)


@pytest.fixture
def desk(client):
    return Desk(client, "boss@example.com", role="admin")


def test_what_is_pressed_on_a_page_is_in_the_log(desk):
    number = inside(make_order)().number
    page = desk.see(f"/admin/orders/{number}")

    desk.press(page, f"/admin/orders/{number}/notes", note="call her")

    (act,) = rows(ACTS)
    assert (act.actor, act.permission, act.subject, act.network) == ("boss@example.com", "orders.edit", f"order:{number}", "127.0.0.1")
    assert f"order:{number}" in words(desk.see("/admin/log"))
    assert "call her" not in desk.see("/admin/log")


def test_a_press_that_was_refused_is_not_in_the_log(desk):
    number = inside(make_order)().number

    assert desk.client.post(f"/admin/orders/{number}/notes", data={}).status_code == 422
    assert desk.client.get("/admin/log").status_code == 200

    assert rows(ACTS) == []


def test_a_price_changed_by_a_program_is_in_the_log_before_and_after(desk):
    made = inside(make_product)("Mug", price=1450)

    answer = desk.client.put(
        f"/api/v1/variants/{made.variant_id}/price",
        json={"price": {"minor": 1600, "currency": "EUR"}},
        headers={"Idempotency-Key": "once"},
    )

    assert answer.status_code in {200, 204}, answer.text
    (act,) = rows(ACTS)
    assert (act.permission, act.subject) == ("products.edit", f"variant:{made.variant_id}")
    assert (act.before["price_minor"], act.after["price_minor"]) == (1450, 1600)
    items = desk.client.get("/api/v1/staff-acts?permission=products.edit").json["items"]
    assert [(item["actor"], item["after"]["price_minor"]) for item in items] == [("boss@example.com", 1600)]


def test_the_rules_of_taxes_are_in_the_log_before_and_after(desk):
    answer = desk.client.put("/api/v1/tax-rules", json={"prices_include_tax": False, "eu_sales": "home"})

    assert answer.status_code == 200, answer.text
    (act,) = rows(ACTS)
    assert act.before["prices_include_tax"] is True
    assert act.after["prices_include_tax"] is False


@pytest.mark.parametrize(
    "query", ["since=2026-11-01&until=2026-11-30", "actor=Boss@example.com", "subject=order:", "permission=orders.edit"]
)
def test_the_log_can_be_filtered(desk, query):
    assert desk.client.get(f"/admin/log?{query}").status_code == 200
    assert desk.client.get(f"/api/v1/staff-acts?{query}").status_code == 200


def test_a_wrong_filter_is_refused_not_ignored(desk):
    assert desk.client.get("/api/v1/staff-acts?sort=x").status_code == 422
    assert desk.client.get("/admin/log?since=yesterday").status_code == 422


def test_only_who_may_read_the_log_reads_it(app):
    browser = app.test_client()
    make_user("support@example.com", role="support")
    log_in(browser, "support@example.com")

    assert browser.get("/admin/log").status_code == 403
    assert browser.get("/api/v1/staff-acts").status_code == 403
    assert "/admin/log" not in browser.get("/admin").text
