"""The number of a card, typed into whatever field, reaches no table, no log and no mail (PCI DSS 4.0.1, SAQ A)."""

from __future__ import annotations

import logging
import re

import pytest
from flask.testing import FlaskClient

from shop.db import Base
from shop.mail.models import Mail
from shop.order.services import record_entry
from shop.outbox.courier import deliver_due
from shop.web.text import clean_text, holds_card
from tests.factories import NOON, make_product
from tests.office import Desk
from tests.orders import make_order
from tests.people import inside, rows

PAN = "4242424242424242"
NUMBERS = [
    PAN, "4242 4242 4242 4242", "4242-4242-4242-4242", "my card is 5555555555554444, thanks", "2223003122003222", "378282246310005",
    "3782 822463 10005", "30569309025904", "6011111111111117", "3566002020360505", "6200000000000005", "12/28 4111 1111 1111 1111 123",
    "41003 4111 1111 1111 1111", "\uff14\uff12\uff14\uff12\uff14\uff12\uff14\uff12\uff14\uff12\uff14\uff12\uff14\uff12\uff14\uff12",
]  # fmt: skip
OTHERS = [
    "4242424242424241", "ES91 2100 0418 4502 0005 1332", "DE89 3704 0044 0532 0130 00", "+34 600 123 456 789", "00340434161094042557",
    "9400111899223197428490", "2026-11-21 12:00:00 1234567890", "1Z999AA10123456784", "4006381333931", "1" * 200, "4" * 40,
]  # fmt: skip
FINE = {"name": "Eve", "password": "four quiet winter apples", "again": "four quiet winter apples", "note": "thanks"}


@pytest.mark.parametrize("text", NUMBERS)
def test_a_card_is_seen_however_it_is_written(context, text):
    assert holds_card(text)
    with pytest.raises(ValueError, match="never keep"):
        clean_text(text, maximum=200)


@pytest.mark.parametrize("text", OTHERS)
def test_other_numbers_are_left_alone(text):
    assert not holds_card(text)


def test_codes_of_goods_and_parcels_may_look_alike(context):
    assert clean_text(PAN, maximum=20, is_code=True) == PAN


def everything() -> str:
    """All tables, as text."""
    return "\n".join(str(tuple(found)) for table in Base.metadata.sorted_tables for found in rows(table.select()))


def type_everywhere(client: FlaskClient, page: str, *, pan: str) -> int:
    """Fill every field of every form of a page with the number, one form at a time; gives how many fields."""
    html = client.get(page, follow_redirects=True).text
    count = 0
    for head, body in re.findall(r"<form\b([^>]*)>(.*?)</form>", html, re.DOTALL):
        action = re.search(r'action="([^"]*)"', head)
        names = re.findall(r'<(?:input|textarea)\b[^>]*\bname="([^"]+)"', body)
        values = dict(re.findall(r'<input\b[^>]*\bname="([^"]+)"[^>]*\bvalue="([^"]*)"', body))
        method = "post" if 'method="post"' in head else "get"
        address = (action[1] if action else page).replace("&amp;", "&")
        for name in names:
            fine = {each: good for each, good in FINE.items() if each in names and not values.get(each)}
            sent = {**values, **fine, "email": f"eve{count}@example.com", name: pan}
            kind = {"data": sent} if method == "post" else {"query_string": sent}
            answer = getattr(client, method)(address, **kind)
            assert answer.status_code < 500, (page, address, name)
            count += 1
    return count


def test_no_field_of_the_shop_keeps_the_number_of_a_card(app, client, caplog):
    caplog.set_level(logging.DEBUG)
    with app.app_context():
        product = make_product("Mug", slug="mug", stock=50)
        order = make_order()
    client.post("/cart/items", data={"variant_id": product.variant_id, "quantity": 1})
    pages = ["/", "/p/mug", "/cart", "/checkout", "/login", "/register", "/orders/find", f"/orders/{order.number}"]

    typed = sum(type_everywhere(client, page, pan=PAN) for page in pages)

    assert typed > 30
    found = everything()
    assert PAN not in found
    assert order.number in found  # the net holds what it should
    assert PAN not in caplog.text


def test_no_field_of_an_order_keeps_it(app, caplog):
    caplog.set_level(logging.DEBUG)
    client = app.test_client()
    with app.app_context():
        product = make_product("Cup", slug="cup", stock=50)
        whole = {
            "email": "ana@example.com", "shipping-country": "ES", "shipping-name": "Ana Ruiz", "shipping-line1": "Calle 1",
            "shipping-city": "Sevilla", "shipping-postcode": "41003", "shipping-region": "SE", "shipping_method": "standard",
            "payment_method": "bank_transfer", "accepts_terms": "y", "note": "",
        }  # fmt: skip
    for name in whole:
        client.post("/cart/items", data={"variant_id": product.variant_id, "quantity": 1})
        written = {**whole, name: f"{PAN}@example.com" if name == "email" else PAN}
        assert client.post("/orders", data=written).status_code < 500, name
        body = {
            "email": written["email"], "payment_method": written["payment_method"], "shipping_method": written["shipping_method"],
            "note": written["note"], "accepts_terms": True,
            "shipping_address": {key.removeprefix("shipping-"): value for key, value in written.items() if key.startswith("shipping-")},
        }  # fmt: skip
        assert client.post("/api/v1/orders", json=body).status_code < 500, name
    with app.app_context():
        while deliver_due(at=NOON).delivered:
            pass

    assert PAN not in everything()
    assert PAN not in caplog.text


def test_no_field_of_the_back_office_keeps_it(app, client, caplog):
    caplog.set_level(logging.DEBUG)
    desk = Desk(client, role="admin")
    with app.app_context():
        order = make_order()
        record_entry(order.id, "note", by="nuria@example.com", note="a canary", at=NOON)

    typed = sum(type_everywhere(desk.client, page, pan=PAN) for page in (f"/admin/orders/{order.number}", "/admin/transfers"))

    assert typed > 5
    found = everything()
    assert "a canary" in found
    assert PAN not in found
    assert PAN not in caplog.text
    assert rows(Mail.__table__.select().where(Mail.text.contains(PAN))) == []


def test_the_net_finds_a_planted_number(app):
    order = inside(make_order)()
    inside(record_entry)(order.id, "note", by="nuria@example.com", note=PAN, at=NOON)

    assert PAN in everything()
