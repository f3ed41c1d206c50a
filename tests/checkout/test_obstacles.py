"""No way to deliver there: which part is the reason, and what to do, on the page and in JSON."""

from __future__ import annotations

import pytest
from sqlalchemy import delete, insert, select, update

from shop.db import rows, scalar, transaction
from shop.order.models import Order
from shop.pricing.models import DeliveryArea, DeliveryZone, ShippingMethod, ShippingRate
from shop.settings.services import touch_topic
from tests.factories import NOON, make_product


def put_in(client, **product) -> None:
    with client.application.app_context():
        made = make_product(**{"price": 1000, **product})
    client.post("/cart/items", data={"variant_id": made.variant_id, "quantity": 1})


def make_zone(code: str, areas: list[dict[str, str]], price: int | None = None, **rate) -> None:
    """A zone, and a price of the parcel there where one is given."""
    with transaction() as session:
        zone_id = session.scalars(insert(DeliveryZone).returning(DeliveryZone.id), [{"code": code, "name": code}]).one()
        session.execute(insert(DeliveryArea), [{"zone_id": zone_id, **area} for area in areas])
        if price is not None:
            method = session.scalars(select(ShippingMethod.id).where(ShippingMethod.code == "standard")).one()
            session.execute(insert(ShippingRate).values(method_id=method, zone_id=zone_id, currency="EUR", price_minor=price, **rate))
        touch_topic("pricing")


def islands(price: int | None = None, **rate) -> None:
    make_zone("islands", [{"country": "ES", "postcode_from": "35", "postcode_to": "35"}], price, **rate)


def no_counter() -> None:
    with transaction() as session:
        session.execute(update(ShippingMethod).where(ShippingMethod.code == "pickup").values(archived_at=NOON))
        touch_topic("pricing")


FORM = {
    "email": "ana@example.com",
    "shipping-country": "ES",
    "shipping-name": "Ana Ruiz",
    "shipping-line1": "Calle Mayor 1",
    "shipping-postcode": "35001",
    "shipping-city": "Las Palmas",
    "shipping_method": "standard",
    "payment_method": "bank_transfer",
    "accepts_terms": "y",
}
BODY = {
    "email": "ana@example.com",
    "shipping_address": {"name": "Ana Ruiz", "country": "ES", "line1": "Calle Mayor 1", "postcode": "35001", "city": "Las Palmas"},
    "shipping_method": "standard",
    "payment_method": "bank_transfer",
    "accepts_terms": True,
}


def count_orders(app) -> int:
    with app.app_context():
        return len(rows(select(Order.id)))


@pytest.mark.parametrize("has_counter", [True, False])
def test_the_page_says_at_the_postcode_that_nothing_goes_there_and_keeps_what_was_typed(client, app, has_counter):
    put_in(client)
    with app.app_context():
        islands()
        if not has_counter:
            no_counter()

    page = client.post("/orders", data=FORM)

    assert page.status_code == 422
    assert "We do not deliver to the postcode 35001 in Spain." in page.text
    assert ("You can collect it." in page.text) is has_counter
    assert 'href="#shipping-postcode"' in page.text
    assert 'id="shipping-postcode"' in page.text
    assert 'value="Ana Ruiz"' in page.text
    assert count_orders(app) == 0


@pytest.mark.parametrize("has_counter", [True, False])
def test_json_says_the_same_as_a_problem(client, app, has_counter):
    put_in(client)
    with app.app_context():
        islands()
        if not has_counter:
            no_counter()

    answer = client.post("/api/v1/orders", json=BODY)

    assert answer.status_code == 422
    assert answer.content_type == "application/problem+json"
    said = {error["pointer"]: error["detail"] for error in answer.json["errors"]}
    assert said["/shipping_address/postcode"].startswith("We do not deliver to the postcode 35001 in Spain.")
    assert count_orders(app) == 0


def test_without_any_way_nothing_is_ordered_even_when_no_method_is_named(client, app):
    put_in(client)
    with app.app_context():
        islands()
        no_counter()

    answer = client.post("/api/v1/orders", json={**BODY, "shipping_method": ""})

    assert answer.status_code == 422, answer.text
    assert count_orders(app) == 0


@pytest.mark.parametrize(
    ("rate", "words"),
    [
        ({"measure": "weight", "most": 30_000}, ["weighs 34 kg", "at most 30 kg", "Anvil", "two parts"]),
        ({"measure": "amount", "most": 900}, ["at most €9.00"]),
        ({"measure": "count", "most": 0}, ["1 pieces", "at most 0"]),
    ],
)
def test_a_cart_that_is_too_much_says_so_and_by_how_much(client, app, rate, words):
    put_in(client, name="Anvil", weight_g=34_000)
    with app.app_context():
        islands(1290, **rate)

    page = client.post("/orders", data=FORM)
    answer = client.post("/api/v1/orders", json=BODY)

    assert (page.status_code, answer.status_code) == (422, 422)
    assert all(word in page.text for word in words), page.text
    told = answer.json["errors"][0]
    assert told["pointer"] == "/shipping_method"
    assert all(word in told["detail"] for word in words)


def test_where_the_islands_have_a_price_it_is_asked_again_at_that_price_and_without_tax(client, app):
    put_in(client, price=1210)
    with app.app_context():
        islands(1290)

    asked = client.post("/orders", data={**FORM, "shown": "other"})
    placed = client.post("/api/v1/orders", json=BODY)

    assert asked.status_code == 409
    assert placed.status_code == 201, placed.text
    totals = placed.json["totals"]
    # outside the area of VAT: 12.10 with 21 % contained are 10.00, the delivery of 12.90 is 10.66
    assert (totals["tax"]["minor"], totals["total"]["minor"]) == (0, 1000 + 1066)


def test_a_digital_cart_asks_for_no_way_and_no_street(client, app):
    put_in(client, requires_shipping=False)
    with app.app_context():
        islands()
        no_counter()

    page = client.get("/checkout")
    answer = client.post("/api/v1/orders", json={**BODY, "shipping_address": {"name": "Ana", "country": "ES"}, "shipping_method": ""})

    assert "Who is it for?" in page.text
    assert 'name="shipping-line1" type="text"' not in page.text
    assert answer.status_code == 201, answer.text


def test_the_checkout_offers_only_countries_that_are_reached(client, app):
    put_in(client)
    with app.app_context():
        eu = scalar(select(DeliveryZone.id).where(DeliveryZone.code == "eu"))
        with transaction() as session:
            session.execute(delete(DeliveryArea).where(DeliveryArea.zone_id == eu, DeliveryArea.country != "FR"))
            touch_topic("pricing")

    page = client.get("/checkout")

    assert 'value="FR"' in page.text
    assert 'value="DE"' not in page.text


def test_the_cart_estimates_tax_and_delivery_for_a_country(client, app):
    put_in(client, price=1270)

    page, here = client.get("/cart?country=HU"), client.get("/cart")
    answer = client.get("/api/v1/cart?country=HU")

    assert "Delivery to Hungary" in page.text
    assert "Delivery to Spain" in here.text
    totals = answer.json["totals"]
    assert (totals["shipping"]["minor"], totals["tax"]["minor"]) == (990, 270 + 210)


@pytest.mark.parametrize("country", ["US", "XX", "\0", "e", "x" * 300])
def test_an_estimate_for_nowhere_is_one_for_here_on_the_page_and_refused_in_json(client, app, country):
    put_in(client)

    assert "Delivery to Spain" in client.get("/cart", query_string={"country": country}).text
    assert client.get("/api/v1/cart", query_string={"country": country}).status_code == 422
