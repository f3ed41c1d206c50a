"""Honest reductions: on the product's page, in JSON and for staff."""

from __future__ import annotations

from datetime import timedelta

import pytest

from shop.catalog.price_history import find_untrue
from shop.catalog.services import set_price
from shop.clock import now
from tests.factories import make_product
from tests.people import log_in, make_user


def make_history(*steps: tuple[int, int, int | None]):
    """A product whose variant had these prices: (days ago, price, price before)."""
    at = now()
    (days, minor, before), *later = steps
    made = make_product(
        "Mug", slug="mug", price=minor, compare_at=before, at=at - timedelta(days=days), published_at=at - timedelta(days=days)
    )
    for days_ago, price, compare_at in later:
        set_price(made.variant_id, price, compare_at_minor=compare_at, at=at - timedelta(days=days_ago))
    return made


def test_the_page_and_json_name_the_lowest_price_beside_a_crossed_out_one(client, app):
    with app.app_context():
        make_history((60, 900, None), (10, 1200, None), (1, 1000, 1200))

    page, answer = client.get("/p/mug"), client.get("/api/v1/products/mug")

    assert "Lowest price of the last 30 days: €9.00" in page.text
    assert answer.json["variants"][0]["lowest_30_days"] == {"minor": 900, "currency": "EUR"}


def test_without_a_reduction_nothing_is_said(client, app):
    with app.app_context():
        make_history((60, 900, None), (1, 800, None))

    assert "Lowest price" not in client.get("/p/mug").text
    assert client.get("/api/v1/products/mug").json["variants"][0]["lowest_30_days"] is None


def test_a_page_that_is_remembered_follows_the_price(client, app):
    with app.app_context():
        made = make_history((60, 900, None), (1, 800, 900))
    assert "Lowest price of the last 30 days: €9.00" in client.get("/p/mug").text

    with app.app_context():
        set_price(made.variant_id, 850, compare_at_minor=900, at=now())

    assert "Lowest price of the last 30 days: €8.00" in client.get("/p/mug").text


@pytest.mark.parametrize(
    ("steps", "untrue"),
    [
        ([(60, 900, None), (1, 800, 1200)], [900]),
        ([(60, 900, None), (1, 800, 900)], []),
        ([(1, 800, 1200)], [0]),
        ([(60, 900, None)], []),
    ],
)
def test_staff_is_warned_of_a_former_price_that_was_never_asked(client, app, steps, untrue):
    with app.app_context():
        made = make_history(*steps)
        assert list(find_untrue(made.id, at=now()).values()) == untrue
        make_user(email="boss@example.com", role="admin")
    log_in(client, "boss@example.com")

    page = client.get(f"/admin/variants/{made.variant_id}")

    assert page.status_code == 200
    assert ("a crossed-out price must be true" in page.text) is bool(untrue)
