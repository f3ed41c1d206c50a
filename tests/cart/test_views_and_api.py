"""The acts of the cart, each as page and as JSON side by side."""

from __future__ import annotations

import html
import re
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import func, select, update
from werkzeug.test import TestResponse

from shop.cart.models import Cart, CartItem
from shop.catalog.models import Product, Variant
from shop.clock import now
from shop.inventory.models import StockItem
from tests import factories
from tests.people import change, inside, log_in, make_user, row, rows

make_product = inside(factories.make_product)
ITEMS = "/api/v1/cart/items"


def add(client: FlaskClient, variant_id: object, quantity: object = 1, **kwargs: Any) -> TestResponse:
    return client.post("/cart/items", data={"variant_id": variant_id, "quantity": quantity}, **kwargs)


def add_json(client: FlaskClient, variant_id: object, quantity: object = 1, **kwargs: Any) -> TestResponse:
    return client.post(ITEMS, json={"variant_id": variant_id, "quantity": quantity}, **kwargs)


def cart_of(client: FlaskClient) -> Any:
    answer = client.get("/api/v1/cart")
    assert answer.status_code == 200
    return answer.json


def pieces(client: FlaskClient) -> dict[str, int]:
    return {item["name"]: item["quantity"] for item in cart_of(client)["items"]}


def text_of(answer: TestResponse) -> str:
    """What a person reads on the page."""
    return " ".join(html.unescape(re.sub(r"<[^>]+>", " ", answer.text)).replace("\xa0", " ").split())


def count(table: type) -> int:
    return row(select(func.count()).select_from(table))[0]


def set_level(variant_id: int, on_hand: int) -> None:
    change(update(StockItem).where(StockItem.variant_id == variant_id).values(on_hand=on_hand))


def set_price(variant_id: int, minor: int, **columns: Any) -> None:
    from shop.catalog.models import Price

    values = {"variant_id": variant_id, "currency": "EUR", "customer_group": "", "valid_from": now(), "minor": minor, **columns}
    change(Price.__table__.insert().values(**values))


# Looking


def test_looking_makes_no_cart(client: FlaskClient) -> None:
    page, answer = client.get("/cart"), client.get("/api/v1/cart")

    assert (page.status_code, answer.status_code, count(Cart)) == (200, 200, 0)
    assert "Nothing is in it yet." in page.text
    assert "Set-Cookie" not in page.headers
    zero = {"minor": 0, "currency": "EUR"}
    assert answer.json == {
        "items": [],
        "count": 0,
        "totals": {"subtotal": zero, "discount": zero, "shipping": zero, "untaxed": zero, "tax": zero, "total": zero},
        "fingerprint": answer.json["fingerprint"],
        "discounts": [],
        "codes": [],
        "notices": [],
    }


def test_the_cart_in_json_has_the_agreed_shape(client: FlaskClient) -> None:
    mug = make_product(options={"Color": ["Sage"]}, sku="MUG")

    answer = add_json(client, mug.variant_id, 2)

    assert (answer.status_code, answer.headers["Location"]) == (201, "/api/v1/cart")
    assert answer.json == {
        "items": [
            {
                "id": row(select(CartItem.id))[0],
                "variant_id": mug.variant_id,
                "sku": "MUG",
                "name": "Stoneware mug",
                "options": "Sage",
                "url": answer.json["items"][0]["url"],
                "image": None,
                "quantity": 2,
                "unit_price": {"minor": 1450, "currency": "EUR"},
                "total": {"minor": 2900, "currency": "EUR"},
                "discount": {"minor": 0, "currency": "EUR"},
                "notices": [],
            }
        ],
        "count": 2,
        "totals": {
            "subtotal": {"minor": 2900, "currency": "EUR"},
            "discount": {"minor": 0, "currency": "EUR"},
            "shipping": {"minor": 490, "currency": "EUR"},
            "untaxed": {"minor": 0, "currency": "EUR"},
            "tax": {"minor": 588, "currency": "EUR"},
            "total": {"minor": 3390, "currency": "EUR"},
        },
        "fingerprint": answer.json["fingerprint"],
        "discounts": [],
        "codes": [],
        "notices": [],
    }
    assert answer.json == cart_of(client)


def test_page_and_json_show_the_same_money(client: FlaskClient) -> None:
    add(client, make_product(options={"Color": ["Sage"], "Size": ["250 ml"]}).variant_id, 2)

    page = text_of(client.get("/cart"))

    assert "Stoneware mug Sage, 250 ml €14.50 each €29.00" in page
    assert "Goods €29.00 Delivery to Spain €4.90 Total €33.90 Tax included €5.88" in page
    assert "Another €31.00 and the delivery is free." in page


def test_the_cart_speaks_spanish(client: FlaskClient) -> None:
    add(client, make_product().variant_id)

    page = client.get("/es/cart")

    assert '<html lang="es"' in page.text
    assert "14,50 €" in text_of(page)


def test_json_reads_carry_an_entity_tag(client: FlaskClient) -> None:
    add(client, make_product().variant_id)
    tag = client.get("/api/v1/cart").headers["ETag"]

    assert client.get("/api/v1/cart", headers={"If-None-Match": tag}).status_code == 304


def test_looking_writes_nothing(client: FlaskClient, statements: Any) -> None:
    add(client, make_product().variant_id)
    client.get("/cart")

    with statements() as seen:
        client.get("/cart")
        client.get("/api/v1/cart")

    assert [statement for statement in seen if not statement.startswith("SELECT")] == []


def test_beside_the_cart_stands_what_is_not_in_it_and_can_be_had(client: FlaskClient) -> None:
    mug = make_product("Mug in the cart")
    make_product("Candle that many buy", sold_count=9)
    make_product("Lamp that is gone", stock=0, sold_count=99)
    add(client, mug.variant_id)

    shelves = (
        text_of(client.get("/cart")).split("Goes with it")[1],
        text_of(client.application.test_client().get("/cart")).split("Much liked")[1],
    )

    assert "Candle that many buy" in shelves[0]
    assert "Mug in the cart" not in shelves[0]
    assert "Lamp that is gone" not in shelves[0]
    assert shelves[1].index("Candle that many buy") < shelves[1].index("Mug in the cart")


# Adding


@pytest.mark.parametrize("put", [add, add_json])
def test_the_same_thing_again_makes_one_line_of_more_pieces(client: FlaskClient, put: Any) -> None:
    mug, bowl = make_product(stock=9), make_product("Bowl")

    put(client, mug.variant_id, 2)
    put(client, bowl.variant_id, 1)
    put(client, mug.variant_id, 3)

    assert pieces(client) == {"Stoneware mug": 5, "Bowl": 1}
    assert (count(Cart), count(CartItem)) == (1, 2)


def test_after_adding_the_page_says_what_came_in_once(client: FlaskClient) -> None:
    answer = add(client, make_product().variant_id)

    assert (answer.status_code, answer.headers["Location"]) == (303, "/cart")
    assert "Stoneware mug is in the cart." in client.get("/cart").text
    assert "Stoneware mug is in the cart." not in client.get("/cart").text


BAD_QUANTITIES = ["-1", "0", "1000000000", "10000", "2,5", "2.5", "٣", "", " ", "1e3", "0x2", "+1", "9" * 400, "abc", "1_0", "NaN", "²"]


@pytest.mark.parametrize("typed", BAD_QUANTITIES)
def test_a_quantity_that_is_none_is_refused_and_kept(client: FlaskClient, typed: str) -> None:
    mug = make_product()

    answer = add(client, mug.variant_id, typed)

    assert answer.status_code == 422
    assert f'value="{html.escape(typed)}"' in answer.text
    assert 'aria-invalid="true"' in answer.text
    assert "Stoneware mug was not put in" in text_of(answer)
    assert (count(Cart), count(CartItem)) == (0, 0)


@pytest.mark.parametrize("value", [-1, 0, 10000, 10**9, 2**63, 2.5, "2", "٣", "", None, True, [], {}])
def test_json_refuses_a_quantity_that_is_none(client: FlaskClient, value: object) -> None:
    mug = make_product()

    answer = add_json(client, mug.variant_id, value)

    assert answer.status_code == 422
    assert [error["pointer"] for error in answer.json["errors"]] == ["/quantity"]
    assert count(Cart) == 0


@pytest.mark.parametrize("body", [{}, {"variant_id": 1}, {"quantity": 1}, {"variant_id": 1, "quantity": 1, "price": 1}, [], "x"])
def test_json_refuses_what_is_missing_or_too_much(client: FlaskClient, body: object) -> None:
    assert client.post(ITEMS, json=body).status_code == 422


def test_a_form_without_fields_is_refused(client: FlaskClient) -> None:
    assert client.post("/cart/items", data={}).status_code == 422


def test_what_does_not_exist_is_not_found(client: FlaskClient) -> None:
    assert (add(client, 10**9).status_code, add_json(client, 10**9).status_code) == (404, 404)
    assert count(Cart) == 0


@pytest.mark.parametrize("put", [add, add_json])
@pytest.mark.parametrize("fate", ["archived variant", "archived product", "draft", "planned", "no price"])
def test_what_is_not_for_sale_is_refused(client: FlaskClient, put: Any, fate: str) -> None:
    mug = make_product()
    make_gone(mug, fate)

    answer = put(client, mug.variant_id)

    assert answer.status_code == 409
    assert "This is no longer for sale." in answer.text
    assert count(Cart) == 0


def make_gone(mug: factories.Made, fate: str) -> None:
    from sqlalchemy import delete

    from shop.catalog.models import Price

    change(
        {
            "archived variant": update(Variant).where(Variant.id == mug.variant_id).values(archived_at=factories.NOON),
            "archived product": update(Product).where(Product.id == mug.id).values(archived_at=factories.NOON),
            "draft": update(Product).where(Product.id == mug.id).values(published_at=None),
            "planned": update(Product).where(Product.id == mug.id).values(published_at=now().replace(year=now().year + 1)),
            "no price": delete(Price).where(Price.variant_id == mug.variant_id),
        }[fate]
    )


def test_more_than_there_is_is_refused_with_how_many_are_left(client: FlaskClient) -> None:
    mug = make_product(stock=3)

    page, answer = add(client, mug.variant_id, 4), add_json(client, mug.variant_id, 4)

    assert (page.status_code, answer.status_code) == (409, 409)
    assert "Only 3 are left." in text_of(page)
    assert 'value="4"' in page.text
    assert answer.json["detail"] == "Only 3 are left."
    assert answer.json["type"] == "/problems/out-of-stock"
    assert answer.json["lines"] == [{"variant_id": mug.variant_id, "wanted": 4, "available": 3}]
    assert count(Cart) == 0


def test_what_lies_in_the_cart_already_counts_too(client: FlaskClient) -> None:
    mug = make_product(stock=3)
    add(client, mug.variant_id, 2)

    answer = add_json(client, mug.variant_id, 2)

    assert answer.status_code == 409
    assert answer.json["detail"] == "Only 3 are left. 2 are in your cart already."
    assert pieces(client) == {"Stoneware mug": 2}


def test_a_line_holds_no_more_than_its_limit(client: FlaskClient) -> None:
    voucher = make_product("Voucher", stock=None)
    assert add_json(client, voucher.variant_id, 9999).status_code == 201

    page, answer = add(client, voucher.variant_id, 1), add_json(client, voucher.variant_id, 1)

    assert (page.status_code, answer.status_code) == (422, 422)
    assert pieces(client) == {"Voucher": 9999}


def test_an_idempotency_key_adds_once(client: FlaskClient) -> None:
    mug, key = make_product(), {"Idempotency-Key": "one-click"}
    add(client, mug.variant_id)

    first, second = add_json(client, mug.variant_id, 2, headers=key), add_json(client, mug.variant_id, 2, headers=key)

    assert (first.status_code, second.status_code, first.json) == (201, 201, second.json)
    assert pieces(client) == {"Stoneware mug": 3}
    assert add_json(client, mug.variant_id, 3, headers=key).status_code == 409


def test_two_strangers_may_use_the_same_key(app: Flask) -> None:
    mug, key = make_product(), {"Idempotency-Key": "one-click"}
    one, other = app.test_client(), app.test_client()

    add_json(one, mug.variant_id, 1, headers=key)
    add_json(other, mug.variant_id, 2, headers=key)

    assert (pieces(one), pieces(other)) == ({"Stoneware mug": 1}, {"Stoneware mug": 2})


# Changing


def line_of(client: FlaskClient, place: int = 0) -> int:
    return int(cart_of(client)["items"][place]["id"])


def change_line(client: FlaskClient, item_id: int, quantity: object) -> TestResponse:
    return client.post(f"/cart/items/{item_id}", data={"quantity": quantity})


def change_line_json(client: FlaskClient, item_id: int, quantity: object) -> TestResponse:
    return client.patch(f"{ITEMS}/{item_id}", json={"quantity": quantity})


@pytest.mark.parametrize(("act", "status"), [(change_line, 303), (change_line_json, 200)])
def test_a_line_gets_the_quantity_that_was_asked(client: FlaskClient, act: Any, status: int) -> None:
    add(client, make_product().variant_id, 2)

    answer = act(client, line_of(client), 7)

    assert (answer.status_code, pieces(client)) == (status, {"Stoneware mug": 7})


@pytest.mark.parametrize(("act", "status"), [(change_line, 303), (change_line_json, 200)])
def test_zero_takes_the_line_out(client: FlaskClient, act: Any, status: int) -> None:
    add(client, make_product().variant_id, 2)

    answer = act(client, line_of(client), 0)

    assert (answer.status_code, pieces(client)) == (status, {})


@pytest.mark.parametrize("typed", [typed for typed in BAD_QUANTITIES if typed != "0"])
def test_a_wrong_quantity_stays_in_its_field(client: FlaskClient, typed: str) -> None:
    add(client, make_product().variant_id, 2)
    item_id = line_of(client)

    answer = change_line(client, item_id, typed)

    assert answer.status_code == 422
    field = next(found for found in re.findall(r"<input[^>]*>", answer.text) if f'id="quantity-{item_id}"' in found)
    assert f'value="{html.escape(typed)}"' in field
    assert 'aria-invalid="true"' in field
    assert pieces(client) == {"Stoneware mug": 2}


@pytest.mark.parametrize("value", [-1, 10000, 2**63, 2.5, "2", None, True])
def test_json_refuses_a_wrong_quantity_at_a_line(client: FlaskClient, value: object) -> None:
    add(client, make_product().variant_id, 2)

    answer = change_line_json(client, line_of(client), value)

    assert (answer.status_code, answer.json["errors"][0]["pointer"]) == (422, "/quantity")


def test_more_than_there_is_cannot_be_set(client: FlaskClient) -> None:
    add(client, make_product(stock=3).variant_id, 2)
    item_id = line_of(client)

    page, answer = change_line(client, item_id, 5), change_line_json(client, item_id, 5)

    assert (page.status_code, answer.status_code, answer.json["detail"]) == (409, 409, "Only 3 are left.")
    assert "Only 3 are left." in text_of(page)
    assert 'value="5"' in page.text
    assert pieces(client) == {"Stoneware mug": 2}


def test_what_was_taken_out_can_be_put_back(client: FlaskClient) -> None:
    mug = make_product()
    add(client, mug.variant_id, 2)

    removed = client.post(f"/cart/items/{line_of(client)}", data={"remove": "1"})
    page = client.get("/cart")

    assert removed.status_code == 303
    assert "Stoneware mug is out of the cart. Put it back" in text_of(page)
    form = re.search(r'<form id="put-back".*?</form>', page.text)
    assert form is not None
    fields = dict(re.findall(r'name="(\w+)" value="(\d+)"', form[0]))
    client.post("/cart/items", data=fields)
    assert pieces(client) == {"Stoneware mug": 2}


def test_json_takes_a_line_out(client: FlaskClient) -> None:
    add(client, make_product().variant_id)
    add(client, make_product("Bowl").variant_id)

    answer = client.delete(f"{ITEMS}/{line_of(client)}")

    assert (answer.status_code, [item["name"] for item in answer.json["items"]]) == (200, ["Bowl"])


def test_a_line_of_somebody_else_is_not_found(app: Flask, client: FlaskClient) -> None:
    add(client, make_product().variant_id, 2)
    item_id, stranger, neighbor = line_of(client), app.test_client(), app.test_client()
    add(neighbor, make_product("Bowl").variant_id)

    for other in (stranger, neighbor):
        assert change_line(other, item_id, 5).status_code == 404
        assert change_line(other, item_id, "x").status_code == 404
        assert other.post(f"/cart/items/{item_id}", data={"remove": "1"}).status_code == 404
        assert change_line_json(other, item_id, 5).status_code == 404
        assert other.delete(f"{ITEMS}/{item_id}").status_code == 404

    assert pieces(client) == {"Stoneware mug": 2}


@pytest.mark.parametrize("item_id", ["0", "-1", "x", "9223372036854775808", "٣", "1e3"])
def test_an_id_that_is_none_is_not_found(client: FlaskClient, item_id: str) -> None:
    assert client.post(f"/cart/items/{item_id}", data={"quantity": 1}).status_code == 404
    assert client.patch(f"{ITEMS}/{item_id}", json={"quantity": 1}).status_code == 404


# What changed meanwhile


def test_a_price_that_moved_says_so_until_the_line_is_changed(client: FlaskClient) -> None:
    mug, bowl = make_product(price=1600), make_product("Bowl", price=1900)
    add(client, mug.variant_id, 2)
    add(client, bowl.variant_id, 1)
    set_price(mug.variant_id, 1450)
    set_price(bowl.variant_id, 2000)

    pages = [text_of(client.get("/cart")) for _ in range(2)]
    answer = cart_of(client)

    for page in pages:
        assert "It became cheaper since you put it here: €14.50 instead of €16.00." in page
        assert "It became dearer since you put it here: €20.00 instead of €19.00." in page
        assert "instead of €32.00 €29.00" in page
    assert [item["notices"][0]["code"] for item in answer["items"]] == ["price_lower", "price_higher"]
    assert answer["totals"]["subtotal"]["minor"] == 4900
    change_line(client, line_of(client), 3)
    assert [len(item["notices"]) for item in cart_of(client)["items"]] == [0, 1]


def test_less_in_stock_keeps_what_there_is(client: FlaskClient) -> None:
    lamp = make_product("Lamp", price=8900, stock=2)
    add(client, lamp.variant_id, 2)
    set_level(lamp.variant_id, 1)

    page, answer = text_of(client.get("/cart")), cart_of(client)

    assert "Only one is left. You wanted 2; we kept 1 for you." in page
    assert (answer["items"][0]["quantity"], answer["count"], answer["totals"]["subtotal"]["minor"]) == (1, 1, 8900)
    assert answer["items"][0]["notices"][0]["code"] == "less_in_stock"
    set_level(lamp.variant_id, 5)
    assert cart_of(client)["items"][0]["quantity"] == 2


def test_sold_out_stays_in_sight_and_out_of_the_total(client: FlaskClient) -> None:
    lamp, mug = make_product("Lamp", price=8900, stock=1), make_product()
    add(client, lamp.variant_id)
    add(client, mug.variant_id)
    set_level(lamp.variant_id, 0)

    page, answer = text_of(client.get("/cart")), cart_of(client)

    assert "This is sold out. It is not in the total." in page
    assert "One line cannot be ordered now." in page
    assert "To the checkout" in page
    assert (answer["items"][0]["quantity"], answer["totals"]["subtotal"]["minor"], answer["notices"][0]["code"]) == (
        0,
        1450,
        "not_orderable",
    )


@pytest.mark.parametrize("fate", ["archived variant", "archived product", "draft", "planned", "no price"])
def test_the_cart_opens_whatever_became_of_its_goods(client: FlaskClient, fate: str) -> None:
    mug = make_product()
    add(client, mug.variant_id, 2)
    item_id = line_of(client)
    make_gone(mug, fate)

    page, answer = client.get("/cart"), cart_of(client)

    assert page.status_code == 200
    assert "This is no longer for sale. It is not in the total." in text_of(page)
    assert "Nothing of this can be ordered now." in text_of(page)
    assert (answer["count"], answer["totals"]["total"]["minor"], answer["items"][0]["unit_price"]["minor"]) == (0, 0, 1450)
    assert change_line(client, item_id, 1).status_code == 409
    assert change_line(client, item_id, 0).status_code == 303
    assert pieces(client) == {}


def test_an_amount_that_no_order_holds_is_said(client: FlaskClient) -> None:
    add(client, make_product("Palace", price=10**14, stock=None).variant_id, 9999)

    page = client.get("/cart")

    assert page.status_code == 200
    assert "This is more than one order can hold." in text_of(page)
    assert "To the checkout" not in text_of(page).split("Together")[1].split("Appearance")[0]


def test_goods_that_need_no_delivery_have_none(client: FlaskClient) -> None:
    add(client, make_product("Voucher", requires_shipping=False, stock=None).variant_id)

    assert cart_of(client)["totals"]["shipping"]["minor"] == 0
    assert "Delivery to" not in text_of(client.get("/cart")).split("Together")[1].split("Appearance")[0]


# Whose cart it is


def test_a_members_cart_is_theirs_on_every_device(app: Flask, client: FlaskClient) -> None:
    make_user()
    mug, phone = make_product(), app.test_client()
    log_in(client)
    log_in(phone)

    add(client, mug.variant_id, 2)
    add_json(phone, mug.variant_id, 1)

    assert pieces(client) == pieces(phone) == {"Stoneware mug": 3}
    assert count(Cart) == 1


def test_a_members_lines_change_by_forms_of_ours_only(client: FlaskClient) -> None:
    make_user()
    log_in(client)
    add(client, make_product().variant_id)
    item_id = line_of(client)
    token = re.search(r'name="csrf_token" value="([^"]+)"', client.get("/cart").text)
    assert token is not None

    assert change_line(client, item_id, 3).status_code == 422
    assert client.post(f"/cart/items/{item_id}", data={"remove": "1"}).status_code == 422
    assert client.post(f"/cart/items/{item_id}", data={"quantity": "3", "csrf_token": token[1]}).status_code == 303
    assert pieces(client) == {"Stoneware mug": 3}


@pytest.mark.parametrize("headers", [{"Sec-Fetch-Site": "cross-site"}, {"Origin": "https://evil.example"}])
def test_another_site_puts_nothing_in(client: FlaskClient, headers: dict[str, str]) -> None:
    mug = make_product()

    assert add(client, mug.variant_id, headers=headers).status_code == 403
    assert add_json(client, mug.variant_id, headers=headers).status_code == 403


def test_after_logging_out_the_cart_is_not_in_sight(client: FlaskClient) -> None:
    make_user()
    add(client, make_product().variant_id)
    log_in(client)

    client.post("/logout")

    assert pieces(client) == {}


def test_a_copied_key_opens_no_members_cart(app: Flask, client: FlaskClient) -> None:
    make_user()
    add(client, make_product().variant_id)
    copied = client.get_cookie("session")
    log_in(client)
    thief = app.test_client()
    assert copied is not None
    thief.set_cookie("session", copied.value)

    assert pieces(client) == {"Stoneware mug": 1}
    assert pieces(thief) == {}
    add(thief, make_product("Bowl").variant_id)
    assert pieces(client) == {"Stoneware mug": 1}


def test_a_forged_key_finds_nothing(client: FlaskClient) -> None:
    for key in ("", "x" * 10_000, None, 7, ["a"]):
        with client.session_transaction() as session:
            session["cart"] = key
        assert client.get("/cart").status_code == 200


def test_an_ordered_cart_makes_room_for_a_new_one(app: Flask, client: FlaskClient) -> None:
    mug = make_product()
    add(client, mug.variant_id, 2)
    change(update(Cart).values(state="ordered"))

    assert pieces(client) == {}
    add(client, mug.variant_id, 1)

    assert pieces(client) == {"Stoneware mug": 1}
    assert sorted(found.state for found in rows(select(Cart.state))) == ["open", "ordered"]


# What it costs


def test_the_cart_page_takes_at_most_three_statements(client: FlaskClient, statements: Any) -> None:
    make_user()
    for number in range(5):
        add(client, make_product(f"Thing {number}").variant_id)
    client.get("/cart")

    with statements() as guest:
        client.get("/cart")
    log_in(client)
    client.get("/cart")
    client.get("/cart")
    with statements() as member:
        client.get("/cart")

    assert (len(guest), len(member)) == (2, 3)


def test_adding_takes_three_statements_and_four_for_members(client: FlaskClient, statements: Any) -> None:
    make_user()
    mug, bowl = make_product(stock=99), make_product("Bowl", stock=99)
    add_json(client, mug.variant_id)

    for put in (add, add_json):
        with statements() as seen:
            put(client, bowl.variant_id)
        assert len(seen) == (3 if put is add else 4)
    log_in(client)
    with statements() as seen:
        add(client, mug.variant_id)
    assert len(seen) == 4


def test_changing_takes_four_statements(client: FlaskClient, statements: Any) -> None:
    add(client, make_product().variant_id)
    item_id = line_of(client)

    with statements() as seen:
        change_line(client, item_id, 3)

    assert len(seen) == 4


def test_other_pages_count_the_pieces_in_one_statement_and_strangers_in_none(app: Flask, client: FlaskClient, statements: Any) -> None:
    with statements() as seen:
        stranger = app.test_client().get("/nowhere")
    assert [statement for statement in seen if "cart" in statement] == []
    assert 'hidden><span data-part="number">0' in stranger.text

    add(client, make_product().variant_id, 3)
    lamp = make_product("Lamp", stock=2)
    add(client, lamp.variant_id, 2)
    set_level(lamp.variant_id, 1)
    with statements() as seen:
        page = client.get("/nowhere")

    assert len([statement for statement in seen if "cart" in statement]) == 1
    assert '<span data-part="number">4</span>' in page.text
    assert cart_of(client)["count"] == 4
