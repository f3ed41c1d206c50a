"""The checkout page, walked through without JavaScript."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import func, insert, select, update

from shop.account.services import add_address
from shop.catalog.models import Price
from shop.clock import now
from shop.content.models import Page, PageText
from shop.customer.values import AddressValues
from shop.db import row, scalar, transaction
from shop.inventory.models import StockItem
from shop.order.models import Order, OrderAddress
from shop.payment.models import Payment, State
from shop.settings.services import touch_topic
from tests.factories import NOON, Made, make_product
from tests.people import inside, log_in, make_user

FORM = {
    "email": "lucia@example.com",
    "shipping-country": "ES",
    "shipping-name": "Lucía Ferrer Ortega",
    "shipping-line1": "Calle Feria 18",
    "shipping-postcode": "41003",
    "shipping-city": "Sevilla",
    "shipping_method": "standard",
    "payment_method": "bank_transfer",
    "accepts_terms": "y",
}
COLLECTED = {
    "email": "ana@example.com",
    "shipping-name": "Ana",
    "shipping_method": "pickup",
    "payment_method": "bank_transfer",
    "accepts_terms": "y",
}
made = inside(make_product)


@inside
def count_orders() -> int:
    return int(scalar(select(func.count()).select_from(Order)) or 0)


@inside
def read(statement: Any) -> Any:
    return row(statement)


@inside
def change(statement: Any) -> None:
    with transaction() as session:
        session.execute(statement)


@inside
def keep_usual_address(user_id: int, values: AddressValues) -> None:
    add_address(values, user_id=user_id, email="ana@example.com", locale="en", is_default=True, at=now())


@inside
def make_page() -> None:
    with transaction() as session:
        page = Page(kind="legal", published_at=NOON - timedelta(days=1), updated_at=NOON)
        session.add(page)
        session.flush()
        session.add(PageText(page_id=page.id, locale="en", slug="terms", title="Terms of sale", body_html="<p>Be kind.</p>"))
        touch_topic("content")


def fill_cart(client, pieces: int = 2, **product: Any) -> Made:
    mug = made(**product)
    answer = client.post("/api/v1/cart/items", json={"variant_id": mug.variant_id, "quantity": pieces})
    assert answer.status_code == 201, answer.text
    return mug


def hidden(page: str) -> dict[str, str]:
    return {name: re.search(f'name="{name}" value="([^"]*)"', page)[1] for name in ("cart", "shown", "was")}


def open_checkout(client) -> dict[str, str]:
    page = client.get("/checkout")
    assert page.status_code == 200
    return hidden(page.text)


def test_a_guest_orders_on_one_page_and_sees_the_order(client):
    fill_cart(client)
    kept = open_checkout(client)

    answer = client.post("/orders", data={**FORM, **kept})

    assert answer.status_code == 303
    page = client.get(answer.location)
    assert page.status_code == 200
    assert "Thank you, Lucía." in page.text
    assert "Please transfer" in page.text
    assert count_orders() == 1
    assert read(select(OrderAddress.region, OrderAddress.city)) == ("SE", "Sevilla")
    assert client.get("/checkout").status_code == 303


def test_an_empty_cart_has_no_checkout(client):
    assert client.get("/checkout").location == "/cart"
    assert client.post("/orders", data=FORM).location == "/cart"


def test_everything_wrong_is_said_at_once_and_what_was_typed_stays(client):
    fill_cart(client)
    kept = open_checkout(client)
    wrong = {**FORM, "email": "lucia@", "shipping-name": "", "shipping-postcode": "4100", "shipping-phone": "call me", "accepts_terms": ""}
    del wrong["accepts_terms"]

    answer = client.post("/orders", data={**wrong, **kept})

    assert answer.status_code == 422
    assert "5 things to look at" in answer.text
    for target in ("email", "shipping-name", "shipping-postcode", "shipping-phone", "accepts_terms"):
        assert f'href="#{target}"' in answer.text
        assert f'id="{target}-error"' in answer.text
    for typed in ("lucia@", "4100", "call me", "Calle Feria 18"):
        assert f'value="{typed}"' in answer.text
    assert count_orders() == 0


@pytest.mark.parametrize("value", ["\x00", "\ud800".encode("utf-8", "surrogatepass"), "x" * 5000, "\u202eabc", "9" * 400])
@pytest.mark.parametrize(
    "name", [*FORM, "shipping-region", "shipping-phone", "note", "cart", "shown", "was", "billing-country", "bill_elsewhere"]
)
def test_bad_input_is_never_a_bug(client, name, value):
    fill_cart(client)
    kept = open_checkout(client)

    answer = client.post("/orders", data={**FORM, **kept, name: value})

    assert answer.status_code in {303, 409, 422}
    assert (count_orders() == 1) == (answer.status_code == 303)


def test_a_price_that_rose_is_shown_and_asked_again(client):
    mug = fill_cart(client)
    kept = open_checkout(client)
    change(insert(Price).values(variant_id=mug.variant_id, currency="EUR", valid_from=now() - timedelta(seconds=1), minor=1600))

    answer = client.post("/orders", data={**FORM, **kept, "note": "Ring twice"})

    assert answer.status_code == 409
    assert count_orders() == 0
    assert re.search(r"<s><data value=\"33.90\">€33.90</data></s>.*<data value=\"36.90\">€36.90</data>", answer.text, re.S)
    assert "Ring twice" in answer.text
    assert client.post("/orders", data={**FORM, **hidden(answer.text)}).status_code == 303
    assert read(select(Order.total_minor)).total_minor == 3690


def test_stock_that_went_is_shown_and_asked_again_until_nothing_is_left(client):
    mug = fill_cart(client, 3)
    kept = open_checkout(client)
    change(update(StockItem).where(StockItem.variant_id == mug.variant_id).values(on_hand=1))

    answer = client.post("/orders", data={**FORM, **kept})

    assert answer.status_code == 409
    assert "Only one is left." in answer.text
    change(update(StockItem).where(StockItem.variant_id == mug.variant_id).values(on_hand=0))
    assert client.post("/orders", data={**FORM, **hidden(answer.text)}).location == "/cart"
    assert count_orders() == 0


def test_a_delivery_chosen_without_seeing_its_total_is_asked_again(client):
    fill_cart(client)
    kept = open_checkout(client)

    answer = client.post("/orders", data={**FORM, **kept, "shipping_method": "pickup"})

    assert answer.status_code == 409
    again = client.post(
        "/orders",
        data={
            "email": "a@example.com",
            "shipping-name": "Ana",
            "shipping_method": "pickup",
            "payment_method": "bank_transfer",
            "accepts_terms": "y",
            **hidden(answer.text),
        },
    )
    assert again.status_code == 303
    assert read(select(Order.is_pickup, Order.shipping_minor)) == (True, 0)


def test_the_country_changes_fields_deliveries_and_tax(client):
    fill_cart(client)

    page = client.post("/checkout", data={**FORM, "shipping-country": "IT", "shipping-postcode": "x"})

    assert page.status_code == 200
    assert '<option value="AG">Agrigento</option>' in page.text
    assert "Parcel within the EU" in page.text
    assert 'value="Calle Feria 18"' in page.text
    assert "error" not in page.text.split("<main")[1].split("</main>")[0]


def test_pressing_the_same_page_again_leads_to_the_same_order(client):
    fill_cart(client)
    kept = open_checkout(client)

    first = client.post("/orders", data={**FORM, **kept})
    again = client.post("/orders", data={**FORM, **kept})

    assert first.location == again.location
    assert count_orders() == 1


def test_the_page_of_another_visitor_is_worth_nothing_once_somebody_owns_the_cart(app, client):
    make_user(email="ana@example.com")
    log_in(client, "ana@example.com")
    fill_cart(client)
    kept = open_checkout(client)

    answer = app.test_client().post("/orders", data={**FORM, **kept})

    assert answer.location == "/cart"
    assert count_orders() == 0


def test_the_invoice_goes_elsewhere_when_wished(client):
    fill_cart(client)
    kept = open_checkout(client)
    elsewhere = {
        "bill_elsewhere": "y",
        "billing-country": "PT",
        "billing-name": "Casa Lda",
        "billing-line1": "Rua 1",
        "billing-city": "Lisboa",
    }

    wrong = client.post("/orders", data={**FORM, **kept, **elsewhere})
    right = client.post("/orders", data={**FORM, **hidden(wrong.text), **elsewhere, "billing-postcode": "1250096"})

    assert wrong.status_code == 422
    assert 'href="#billing-postcode"' in wrong.text
    assert right.status_code == 303
    assert read(select(OrderAddress.postcode).where(OrderAddress.kind == "billing")).postcode == "1250-096"


def test_a_member_finds_the_last_address_and_needs_no_key(app, client):
    make_user(email="ana@example.com")
    log_in(client, "ana@example.com")
    fill_cart(client)
    page = client.get("/checkout").text
    token = re.search('name="csrf_token" value="([^"]+)"', page)[1]

    first = client.post("/orders", data={**FORM, **hidden(page), "csrf_token": token})

    assert "key=" not in first.location
    assert client.get(first.location).status_code == 200
    assert app.test_client().get(first.location).status_code == 404
    fill_cart(client)
    page = client.get("/checkout").text
    assert 'value="Calle Feria 18"' in page
    assert 'value="ana@example.com"' in page


def test_a_member_may_press_on_any_address_of_the_book_that_we_deliver_to(app, client):
    user_id = make_user()
    fill_cart(client)
    log_in(client)
    for line, country in (("Calle Feria 18", "ES"), ("1-1 Chiyoda", "JP"), ("Calle Luna 3", "ES")):
        keep_usual_address(user_id, AddressValues(name="Ana", country=country, line1=line, city="Sevilla", postcode="41003"))

    page = client.get("/checkout").text
    known = dict(re.findall(r'name="address" value="(\d+)"[^>]*>([^<]+)<', page))
    feria = next(key for key, words in known.items() if words == "Calle Feria 18, Sevilla")
    pressed = client.post("/checkout", data={**FORM, "shipping-line1": "half typed", "note": "Ring twice.", "address": feria})

    assert sorted(known.values()) == ["Calle Feria 18, Sevilla", "Calle Luna 3, Sevilla"]
    assert 'name="shipping-line1" type="text" value="Calle Feria 18"' in pressed.text
    assert "Ring twice." in pressed.text


def test_an_address_of_somebody_else_is_no_address(app, client):
    stranger = make_user("eve@example.com")
    keep_usual_address(stranger, AddressValues(name="Eve", country="ES", line1="Calle Secreta 1", city="Sevilla", postcode="41003"))
    fill_cart(client)
    make_user()
    log_in(client)

    for key in range(1, 4):
        assert "Calle Secreta" not in client.post("/checkout", data={**FORM, "address": str(key)}).text


def test_what_is_agreed_to_can_be_read(client):
    fill_cart(client)
    make_page()

    page = client.get("/checkout").text

    assert '<a href="/pages/terms" target="_blank">Terms of sale</a>' in page


def test_the_usual_address_of_the_book_comes_before_that_of_the_last_order(app, client):
    user_id = make_user(email="ana@example.com")
    log_in(client, "ana@example.com")
    fill_cart(client)

    keep_usual_address(user_id, AddressValues(name="Ana", country="ES", line1="Calle Luna 3", city="Sevilla", postcode="41003"))
    assert 'value="Calle Luna 3"' in client.get("/checkout").text

    keep_usual_address(user_id, AddressValues(name="Ana", country="JP", line1="1-1 Chiyoda", city="Chiyoda", postcode="100-0001"))
    assert "1-1 Chiyoda" not in client.get("/checkout").text


def test_a_card_is_paid_on_the_banks_page(client):
    fill_cart(client)
    kept = open_checkout(client)

    to_bank = client.post("/orders", data={**FORM, **kept, "payment_method": "test_card"})
    assert "/test-card" in to_bank.location
    assert "TEST" in client.get(to_bank.location).text
    back = client.post(to_bank.location, data={"answer": "approve"})
    order = client.get(back.location, follow_redirects=True)

    assert order.status_code == 200
    assert "Thank you, Lucía." in order.text
    assert read(select(Payment.state, Payment.captured_minor)) == (State.CAPTURED, 3390)


def test_in_spanish_too(client):
    fill_cart(client)

    page = client.get("/es/checkout")

    assert page.status_code == 200
    assert 'action="/es/orders"' in page.text
