"""Codes in cart and checkout, by page and by JSON: a code never fails in silence, and what it does is the same everywhere."""

from __future__ import annotations

import html
import re
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import func, select
from werkzeug.test import TestResponse

from shop.auth import limits
from shop.cart.models import CartCode
from shop.clock import now
from shop.customer.models import Customer, CustomerGroup, CustomerGroupMember
from shop.db import scalar, transaction
from shop.order.models import Order
from shop.pricing.promotions import PromotionKind, Tier
from shop.promotion.services import end_promotion
from tests.factories import NOON, make_category, make_product
from tests.people import inside, log_in, make_user, row
from tests.promotions import make_promotion as make

make_promotion, make_category, make_product = inside(make), inside(make_category), inside(make_product)
ADDRESS = {
    "email": "lucia@example.com",
    "shipping-country": "ES",
    "shipping-name": "Lucía Ferrer",
    "shipping-line1": "Calle Feria 18",
    "shipping-postcode": "41003",
    "shipping-city": "Sevilla",
    "shipping-region": "SE",
    "shipping_method": "standard",
    "payment_method": "bank_transfer",
    "accepts_terms": "y",
}


@pytest.fixture
def mug(client: FlaskClient) -> Any:
    """A visitor with two mugs of €20 in the cart."""
    made = make_product("Mug", price=2000, stock=50)
    client.post("/cart/items", data={"variant_id": made.variant_id, "quantity": 2})
    return made


def words(answer: TestResponse) -> str:
    return " ".join(html.unescape(re.sub(r"<[^>]+>", " ", answer.text.partition("<main")[2])).split())


def use(client: FlaskClient, code: str) -> TestResponse:
    return client.post("/cart/codes", data={"code": code}, follow_redirects=True)


def use_json(client: FlaskClient, code: str) -> TestResponse:
    return client.post("/api/v1/cart/codes", json={"code": code})


def hidden(page: str, name: str) -> str:
    found = re.search(rf'name="{name}" value="([^"]*)"', page)
    assert found, name
    return html.unescape(found[1])


def test_a_code_in_the_cart_is_told_on_page_and_in_json_alike(client: FlaskClient, mug: Any) -> None:
    make_promotion("Summer", code="SUMMER")

    page = words(use(client, " summer "))
    answer = client.get("/api/v1/cart").json

    assert "Goods €40.00 Summer (SUMMER) −€4.00" in page.replace("-€", "−€")
    assert answer["totals"]["discount"]["minor"] == 400
    assert answer["items"][0]["discount"]["minor"] == 400
    assert answer["discounts"] == [{"label": "Summer", "code": "SUMMER", "amount": {"minor": 400, "currency": "EUR"}}]
    assert answer["codes"] == [{"code": "SUMMER", "counts": True, "saving": {"minor": 400, "currency": "EUR"}, "text": ""}]


def test_a_code_comes_and_goes_by_json(client: FlaskClient, mug: Any) -> None:
    make_promotion(code="SUMMER")

    used = use_json(client, "Summer")
    removed = client.delete("/api/v1/cart/codes/summer")
    again = client.delete("/api/v1/cart/codes/summer")

    assert (used.status_code, used.json["totals"]["discount"]["minor"]) == (201, 400)
    assert (removed.status_code, removed.json["codes"], removed.json["totals"]["discount"]["minor"]) == (200, [], 0)
    assert again.status_code == 404


def test_a_code_is_taken_out_by_its_button(client: FlaskClient, mug: Any) -> None:
    make_promotion("Summer", code="SUMMER")
    use(client, "SUMMER")

    page = client.post("/cart/codes", data={"remove": "SUMMER"}, follow_redirects=True)

    assert "SUMMER" not in page.text


def test_a_code_that_nobody_knows_says_so_and_keeps_what_was_typed(client: FlaskClient, mug: Any) -> None:
    page, answer = client.post("/cart/codes", data={"code": 'sum"mer'}), use_json(client, "nothing")

    assert (page.status_code, answer.status_code) == (422, 422)
    assert 'value="sum&#34;mer"' in page.text
    assert "We do not know this code." in words(page)
    assert answer.json["errors"][0]["pointer"] == "/code"
    assert "open><summary>I have a code" in page.text


def refused(client: FlaskClient, code: str) -> str:
    answer = client.post("/cart/codes", data={"code": code})
    assert answer.status_code == 422
    return words(answer)


def test_a_code_that_cannot_count_says_why(client: FlaskClient, mug: Any) -> None:
    """spree#14569, saleor#14920: codes that fail in silence."""
    at = now()
    make_promotion(code="LATER", valid_from=at + timedelta(days=3))
    make_promotion(code="BEFORE", valid_until=at - timedelta(days=3))
    make_promotion(code="CLUB", group_id=make_group("club"))
    ended = make_promotion(code="ENDED")
    inside(end_promotion)(ended, at=NOON)

    assert "LATER counts from" in refused(client, "later")
    assert "BEFORE was valid until" in refused(client, "before")
    assert "CLUB is for certain customers. Sign in" in refused(client, "club")
    assert "ENDED is not valid any more." in refused(client, "ended")


@inside
def make_group(code: str, *user_ids: int) -> int:
    with transaction() as session:
        group = CustomerGroup(code=code, name=code, created_at=NOON)
        session.add(group)
        session.flush()
        for user_id in user_ids:
            customer = Customer(user_id=user_id, email=f"{user_id}@example.com", created_at=NOON)
            session.add(customer)
            session.flush()
            session.add(CustomerGroupMember(group_id=group.id, customer_id=customer.id))
        return int(group.id)


def test_a_code_that_waits_for_more_goods_says_how_much_and_then_counts(client: FlaskClient, mug: Any) -> None:
    books = make_category("Books")
    book = make_product("Book", price=500, categories=[books], stock=9)
    make_promotion("Readers", code="READ", categories=(books,), minimum_minor=1000)

    first = words(use(client, "read"))
    client.post("/cart/items", data={"variant_id": book.variant_id, "quantity": 1})
    second = words(client.get("/cart"))
    client.post("/cart/items", data={"variant_id": book.variant_id, "quantity": 1})
    third = client.get("/api/v1/cart").json

    assert "READ is for Books. There is none in your cart yet." in first
    assert "READ counts as soon as you add €5.00 of Books." in second
    assert third["totals"]["discount"]["minor"] == 100


def test_a_shelf_below_the_named_one_counts_too(client: FlaskClient) -> None:
    pantry = make_category("Pantry")
    oil = make_product("Oil", price=1000, categories=[make_category("Oils", parent=pantry)])
    make_promotion(categories=(pantry,))
    client.post("/cart/items", data={"variant_id": oil.variant_id, "quantity": 1})

    assert client.get("/api/v1/cart").json["totals"]["discount"]["minor"] == 100


def test_what_is_within_reach_is_told_before_anybody_asks(client: FlaskClient, mug: Any) -> None:
    make_promotion("Five for fifty", percent=None, kind=PromotionKind.TIERS, tiers=(Tier(5, percent_bp=5000),))

    assert "Five for fifty" in words(client.get("/cart"))


def test_a_group_counts_for_members_who_are_logged_in_and_for_nobody_who_types_their_address(client: FlaskClient, mug: Any) -> None:
    ana = make_user("ana@example.com")
    make_promotion(percent=50, group_id=make_group("club", ana))

    as_guest = client.get("/api/v1/cart").json["totals"]["discount"]["minor"]
    checkout = client.post("/checkout", data={**ADDRESS, "email": "ana@example.com"})
    log_in(client)
    as_member = client.get("/api/v1/cart").json["totals"]["discount"]["minor"]

    assert (as_guest, as_member) == (0, 2000)
    assert "−€20.00" not in checkout.text


def test_the_codes_of_a_guest_come_along_at_log_in(client: FlaskClient, mug: Any) -> None:
    make_user()
    make_promotion(code="SUMMER")
    use(client, "SUMMER")

    log_in(client)

    assert [one["code"] for one in client.get("/api/v1/cart").json["codes"]] == ["SUMMER"]


def test_a_second_code_of_the_same_offer_is_refused_and_the_same_again_changes_nothing(client: FlaskClient, mug: Any) -> None:
    from shop.promotion.services import add_code

    promotion_id = make_promotion(code="SUMMER")
    inside(add_code)(promotion_id, "SUMMER2", at=NOON)
    use(client, "SUMMER")

    assert "is in your cart already" in refused(client, "SUMMER2")
    assert use(client, "SUMMER").status_code == 200
    assert inside(scalar)(select(func.count()).select_from(CartCode)) == 1


def test_guessing_codes_is_limited_and_right_ones_do_not_count_as_guesses(client: FlaskClient, mug: Any) -> None:
    make_promotion(code="SUMMER")
    for _ in range(limits.LIMITS["code"] + 5):
        assert use(client, "SUMMER").status_code == 200

    statuses = [use_json(client, f"GUESS{number}").status_code for number in range(limits.LIMITS["code"] + 5)]

    assert statuses == [422] * limits.LIMITS["code"] + [429] * 5
    page = client.post("/cart/codes", data={"code": "SUMMER"})
    assert page.status_code == 429
    assert "Please wait" in words(page)


def test_the_cart_page_sends_as_many_statements_with_codes_as_without(client: FlaskClient, mug: Any, statements: list[str]) -> None:
    make_promotion(code="SUMMER", max_uses=5, max_uses_each=1)
    make_promotion(max_uses=100)
    client.get("/cart")
    statements.clear()
    client.get("/cart")
    without = len(statements)
    use(client, "SUMMER")
    statements.clear()

    client.get("/cart")

    assert len(statements) == without <= 3


# Checkout


def test_a_code_typed_at_the_checkout_keeps_everything_else_that_was_typed(client: FlaskClient, mug: Any) -> None:
    make_promotion("Summer", code="SUMMER")

    page = client.post("/checkout", data={**ADDRESS, "note": "Ring twice", "code": "summer"})
    wrong = client.post("/checkout", data={**ADDRESS, "note": "Ring twice", "code": "winter"})

    assert page.status_code == 200
    assert "Summer (SUMMER)" in words(page)
    assert (wrong.status_code, 'value="winter"' in wrong.text, "Ring twice" in wrong.text, "Calle Feria 18" in wrong.text) == (
        422,
        True,
        True,
        True,
    )


def test_a_code_is_taken_out_at_the_checkout(client: FlaskClient, mug: Any) -> None:
    make_promotion("Summer", code="SUMMER")
    use(client, "SUMMER")

    page = client.post("/checkout", data={**ADDRESS, "remove": "SUMMER"})

    assert "SUMMER" not in page.text
    assert "Calle Feria 18" in page.text


def test_a_code_that_was_typed_but_not_used_is_used_and_asked_again_before_anything_is_ordered(client: FlaskClient, mug: Any) -> None:
    make_promotion("Summer", code="SUMMER")
    page = client.get("/checkout").text
    pressed = {**ADDRESS, **{name: hidden(page, name) for name in ("cart", "shown", "was")}}

    first = client.post("/orders", data={**pressed, "code": "summer"})
    shown = {name: hidden(first.text, name) for name in ("cart", "shown", "was")}
    second = client.post("/orders", data={**ADDRESS, **shown, "code": ""})

    assert (first.status_code, second.status_code) == (409, 303)
    assert "Discounts" in words(first)
    placed = row(select(Order.discount_minor, Order.total_minor))
    assert (placed.discount_minor, placed.total_minor) == (400, 4000 - 400 + 490)


def test_the_loser_of_the_last_use_sees_the_new_total_and_may_order_without_it(app: Flask, client: FlaskClient, mug: Any) -> None:
    make_promotion("Summer", code="LAST", max_uses=1)
    use(client, "LAST")
    page = client.get("/checkout").text
    pressed = {**ADDRESS, **{name: hidden(page, name) for name in ("cart", "shown", "was")}}
    other = app.test_client()
    other.post("/cart/items", data={"variant_id": mug.variant_id, "quantity": 1})
    use(other, "LAST")
    theirs = other.get("/checkout").text
    assert other.post("/orders", data={**ADDRESS, **{name: hidden(theirs, name) for name in ("cart", "shown", "was")}}).status_code == 303

    lost = client.post("/orders", data=pressed)
    again = client.post("/orders", data={**ADDRESS, **{name: hidden(lost.text, name) for name in ("cart", "shown", "was")}})

    assert (lost.status_code, again.status_code) == (409, 303)
    assert "LAST has been used as often as it can be." in words(lost)
    assert "Discounts before −€4.00 now €0.00" in words(lost).replace("-€", "−€")


def test_a_limit_for_each_customer_is_told_at_the_checkout_as_soon_as_the_address_is_known(client: FlaskClient, mug: Any) -> None:
    make_promotion("Summer", code="ONCE", max_uses_each=1)
    use(client, "ONCE")
    page = client.get("/checkout").text
    client.post("/orders", data={**ADDRESS, **{name: hidden(page, name) for name in ("cart", "shown", "was")}})
    client.post("/cart/items", data={"variant_id": mug.variant_id, "quantity": 1})
    use(client, "ONCE")

    page = client.post("/checkout", data=ADDRESS)

    assert "You have used ONCE already" in words(page)
