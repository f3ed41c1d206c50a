"""Who sees an order, and what they can do with it."""

from __future__ import annotations

import re

import pytest

from shop.order.links import is_key, order_key, order_url
from shop.order.lists import list_orders
from shop.order.models import PaymentState
from shop.order.numbers import ALPHABET, new_number, read_number
from shop.order.queries import get_order
from shop.order.services import cancel_order, mark_packed, record_payment_state, ship_order
from tests.factories import NOON, make_product
from tests.orders import counted, make_order
from tests.people import inside, log_in, make_user

order_of = inside(make_order)
key_of = inside(order_key)
read = inside(get_order)


def test_an_order_opens_for_its_link_and_its_owner_only(app, client):
    owner, other = make_user(email="ana@example.com"), make_user(email="eva@example.com")
    order = order_of(user_id=owner)
    path = f"/orders/{order.number}"

    assert other
    assert client.get(path).status_code == 404
    assert client.get(f"{path}?key=wrong").status_code == 404
    assert client.get(f"{path}?key=" + "é" * 50).status_code == 404
    assert client.get(f"{path}?key={key_of('BBBB-BBBB')}").status_code == 404
    assert client.get(f"{path}?key={key_of(order.number)}").status_code == 200
    log_in(client, "eva@example.com")
    assert client.get(path).status_code == 404
    ana = app.test_client()
    log_in(ana, "ana@example.com")
    assert ana.get(path).status_code == 200
    assert ana.get(path.lower()).status_code == 200


def test_a_guest_may_keep_the_order_in_an_account(app, client):
    order, mine = order_of(), order_of(user_id=make_user("ana@example.com"))
    page = client.get(f"/orders/{order.number}?key={key_of(order.number)}").text
    fields = dict(re.findall(r'name="(name|email|next)"[^>]*? value="([^"]*)"', page.partition('id="keep"')[2]))
    fields |= dict(re.findall(r'<input class="visually-hidden" type="(email)" name="email" value="([^"]*)"', page))

    answer = client.post("/register", data={**fields, "password": "a long walk by the sea"})

    assert fields["email"] == order.email
    assert (answer.status_code, answer.location) == (303, "/register/mail")
    assert 'id="keep"' not in client.get(f"/orders/{mine.number}?key={key_of(mine.number)}").text
    log_in(client, "ana@example.com")
    assert 'id="keep"' not in client.get(f"/orders/{order.number}?key={key_of(order.number)}").text


def test_the_page_is_private_and_tells_other_sites_nothing(client):
    order = order_of()

    page = client.get(f"/orders/{order.number}?key={key_of(order.number)}")

    assert page.headers["Cache-Control"] == "private, no-store"
    assert page.headers["Referrer-Policy"] == "same-origin"


def test_the_link_stays_the_same_and_dies_with_the_secret(context):
    link = order_url("BBBB-CCCC", "es")

    assert link == order_url("BBBB-CCCC", "es")
    assert "/es/orders/BBBB-CCCC?key=" in link
    key = order_key("BBBB-CCCC")
    assert len(key) >= 43
    context.config["SECRET_KEY"], kept = "another", context.config["SECRET_KEY"]
    assert not is_key("BBBB-CCCC", key)
    context.config["SECRET_KEY"] = kept


def test_number_and_mail_together_find_an_order(client):
    order = order_of()

    right = client.post("/orders/search", data={"number": order.number.lower().replace("-", " "), "email": "Lucia@example.com"})
    wrong = client.post("/orders/search", data={"number": order.number, "email": "eva@example.com"})

    assert client.get("/orders").status_code == 200
    assert right.status_code == 303
    assert client.get(right.location).status_code == 200
    assert wrong.status_code == 422
    assert "There is no order with this number and this e-mail" in wrong.text


def test_nobody_goes_through_numbers(client):
    answers = [client.post("/orders/search", data={"number": "BBBB-BBBB", "email": "a@example.com"}).status_code for _ in range(21)]

    assert answers == [422] * 20 + [429]


def test_the_customer_cancels_from_the_page(client):
    order = order_of()
    page = f"/orders/{order.number}?key={key_of(order.number)}"
    assert "Cancel it now" in client.get(page).text

    refused = client.post(f"/orders/{order.number}/cancellation", data={"note": "x"})
    done = client.post(f"/orders/{order.number}/cancellation", data={"key": key_of(order.number), "note": "Too late"})

    assert refused.status_code == 404
    assert done.status_code == 303
    after = client.get(page).text
    assert "This order is canceled." in after
    assert "Cancel it now" not in after
    assert client.post(f"/orders/{order.number}/cancellation", data={"key": key_of(order.number)}).status_code == 409


def test_the_same_by_json(client):
    order = order_of()
    path = f"/api/v1/orders/{order.number}"
    key = f"?key={key_of(order.number)}"

    assert client.get(path).status_code == 404
    shown = client.get(path + key)
    assert shown.status_code == 200
    assert shown.json["totals"]["total"] == {"minor": 1940, "currency": "EUR"}
    assert shown.json["payment"] == {"state": "unpaid", "next": None}
    assert client.get(path + key, headers={"If-None-Match": shown.headers["ETag"]}).status_code == 304
    assert client.get(f"{path}?key=a&evil=1").status_code == 422
    canceled = client.post(f"{path}/cancellation{key}", json={"note": "No"})
    assert (canceled.status_code, canceled.json["state"]) == (200, "canceled")
    again = client.post(f"{path}/cancellation{key}", json={})
    assert (again.status_code, again.json["type"], again.json["legal"]) == (409, "/problems/illegal-move", [])


def test_the_page_says_in_every_state_what_comes_next(client):
    seen = set()

    def look(order) -> str:
        page = client.get(f"/orders/{order.number}?key={key_of(order.number)}")
        assert page.status_code == 200
        return re.search(r"</h1>\s*<p>([^<]+)</p>", page.text)[1]

    order = order_of([(inside(make_product)(stock=9), 2)])
    seen.add(look(order))
    inside(record_payment_state)(order.id, PaymentState.PAID, by="shop", at=NOON)
    seen.add(look(order))
    inside(mark_packed)(order.id, by="shop", at=NOON)
    seen.add(look(order))
    inside(ship_order)(order.id, [(read(order.number).lines[0].id, 1)], "Correos", "PK1", "https://t.example/PK1", by="shop", at=NOON)
    seen.add(look(order))
    assert "https://t.example/PK1" in client.get(f"/orders/{order.number}?key={key_of(order.number)}").text
    inside(ship_order)(order.id, by="shop", at=NOON)
    seen.add(look(order))
    card = order_of(payment_method="test_card")
    seen.add(look(card))
    inside(record_payment_state)(card.id, PaymentState.CHECKING, by="shop", at=NOON)
    seen.add(look(card))
    inside(cancel_order)(card.id, by="shop", at=NOON)
    seen.add(look(card))

    assert len(seen) == 8


def test_an_order_page_takes_few_statements(app):
    with app.app_context():
        order = make_order([(make_product(stock=9), 1) for _ in range(20)])
        ship_order(order.id, by="shop", at=NOON)

        with counted() as statements:
            get_order(order.number)

    assert len(statements) == 4


def test_a_list_is_a_members_own(app):
    ana = make_user(email="ana@example.com")
    with app.app_context():
        mine = [make_order(user_id=ana, email="ana@example.com") for _ in range(3)]
        make_order(email="eva@example.com")

        first = list_orders(ana, limit=2)
        second = list_orders(ana, limit=2, cursor=first.next_cursor)

        assert [found.number for found in [*first.items, *second.items]] == [order.number for order in reversed(mine)]
        assert second.next_cursor is None
        assert first.items[0].pieces == 1
        assert first.items[0].name == "Lucía Ferrer Ortega"


def test_numbers_are_short_readable_and_random():
    drawn = {new_number() for _ in range(2000)}

    assert len(drawn) == 2000
    assert all(read_number(number.lower().replace("-", "")) == number for number in drawn)
    assert not set(ALPHABET) & set("01ILOAEU")


@pytest.mark.parametrize("typed", ["", "B7K4", "B7K4-4QX", "B7K4-4QX22", "B7K0-4QX2", "B7K4-4QX\x00", "٣" * 8, "x" * 10_000, "'; --"])
def test_what_cannot_be_a_number_is_none(typed):
    assert read_number(typed) is None
