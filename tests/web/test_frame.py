"""What is shared of the frame: everything for strangers, by the cart's count for guests, nothing of members."""

from __future__ import annotations

import re

import pytest

from tests.factories import make_product
from tests.people import inside, log_in, make_user, the_shop

__all__ = ["the_shop"]

made = inside(make_product)
COUNT = re.compile(r'data-part="number">(\d+)<')


def count_shown(client) -> str:
    return COUNT.search(client.get("/products").text)[1]


def add(client, variant_id: int, quantity: int) -> None:
    client.post("/cart/items", data={"variant_id": variant_id, "quantity": quantity})


def test_each_guest_sees_the_count_of_their_own_cart(app):
    mug = made(stock=90)
    two, five, stranger = app.test_client(), app.test_client(), app.test_client()
    add(two, mug.variant_id, 2)
    add(five, mug.variant_id, 5)

    assert [count_shown(client) for client in (two, five, stranger, two, five)] == ["2", "5", "0", "2", "5"]


def test_a_members_frame_is_never_shared(app):
    member, guest = app.test_client(), app.test_client()
    make_user()
    log_in(member)
    mug = made(stock=90)
    add(guest, mug.variant_id, 1)

    page = member.get("/products").text

    assert "Your account" in page
    assert "Your account" not in guest.get("/products").text


@pytest.mark.parametrize("looks", ["{{ session.get('cart') }}", "{{ get_flashed_messages()|length }}{{ session['cart'] }}"])
def test_a_theme_that_shows_the_session_is_not_shared(app, looks, monkeypatch):
    mug = made(stock=90)
    first, second = app.test_client(), app.test_client()
    add(first, mug.variant_id, 1)
    add(second, mug.variant_id, 1)
    header = app.jinja_env.from_string(f"<header>{looks}</header>")
    get = app.jinja_env.get_template
    find = lambda name, *given, **named: header if name.endswith("site_header.html") else get(name, *given, **named)  # noqa: E731
    monkeypatch.setattr(app.jinja_env, "get_template", find)

    shown = [re.search(r"<header>(.*?)</header>", client.get("/products").text)[1] for client in (first, second)]

    assert shown[0] != shown[1]
