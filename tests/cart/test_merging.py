"""A guest's cart meets its owner."""

from __future__ import annotations

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select

from shop.cart.merging import Merge, merge_carts
from shop.cart.models import Cart, CartItem
from shop.cart.queries import find_cart
from shop.cart.services import Owner, put_into_cart
from tests.cart.test_views_and_api import add, cart_of, count, make_product, pieces, set_level, text_of
from tests.factories import NOON
from tests.people import PASSWORD, log_in, make_user, register, row, rows

PATIENCE_S = 60


def fill(owner: Owner, **goods: tuple[Any, int]) -> str:
    """A cart with so many of each; gives its key."""
    key = owner.key
    for made, quantity in goods.values():
        key = put_into_cart(Owner(key, owner.user_id), made.variant_id, quantity, at=NOON).key
    assert key is not None
    return key


def held(user_id: int) -> dict[int, int]:
    items = select(CartItem.variant_id, CartItem.quantity).join(Cart, Cart.id == CartItem.cart_id)
    return {found.variant_id: found.quantity for found in rows(items.where(Cart.user_id == user_id, Cart.state == "open"))}


def states() -> Counter[str]:
    return Counter(str(found.state) for found in rows(select(Cart.state)))


def test_a_guests_cart_becomes_the_members_when_they_have_none(app: Flask, client: FlaskClient) -> None:
    make_user()
    add(client, make_product().variant_id, 2)

    log_in(client)

    assert pieces(client) == {"Stoneware mug": 2}
    assert "is now with" not in client.get("/cart").text
    assert (count(Cart), states()) == (1, {"open": 1})
    assert row(select(Cart.user_id))[0] is not None


def test_two_carts_become_one_and_the_page_says_so(app: Flask, client: FlaskClient) -> None:
    make_user()
    mug, bowl, lamp = make_product(stock=9), make_product("Bowl", stock=9), make_product("Lamp", stock=3)
    phone = app.test_client()
    log_in(phone)
    add(phone, mug.variant_id, 2)
    add(phone, lamp.variant_id, 2)
    add(client, mug.variant_id, 3)
    add(client, bowl.variant_id, 1)
    add(client, lamp.variant_id, 2)

    log_in(client)
    page = text_of(client.get("/cart"))

    assert pieces(client) == pieces(phone) == {"Stoneware mug": 5, "Lamp": 3, "Bowl": 1}
    assert "The 3 things in your cart here are now with what you had put in before." in page
    assert "Of Lamp the cart holds 3 instead of 4: there are no more." in page
    assert states() == {"open": 1, "merged": 1}
    assert row(select(Cart.id).join(CartItem).where(Cart.state == "merged")) is None


def test_json_tells_it_with_the_next_look_at_the_cart_once(app: Flask, client: FlaskClient) -> None:
    make_user()
    mug, phone = make_product(stock=3), app.test_client()
    log_in(phone)
    add(phone, mug.variant_id, 2)
    add(client, mug.variant_id, 3)

    assert client.post("/api/v1/auth/login", json={"email": "ana@example.com", "password": PASSWORD}).status_code == 200

    assert [notice["code"] for notice in cart_of(client)["notices"]] == ["merged", "merged"]
    assert cart_of(client)["notices"] == []
    assert pieces(client) == {"Stoneware mug": 3}


def test_logging_in_again_adds_nothing(client: FlaskClient) -> None:
    make_user()
    add(client, make_product().variant_id, 2)
    log_in(client)

    log_in(client)

    assert pieces(client) == {"Stoneware mug": 2}


def test_registering_takes_the_cart_along(client: FlaskClient) -> None:
    add(client, make_product().variant_id, 2)

    answer = register(client)

    assert answer.status_code == 303
    assert pieces(client) == {"Stoneware mug": 2}


def test_what_is_sold_out_comes_along_and_says_so(app: Flask, client: FlaskClient) -> None:
    make_user()
    mug, lamp, phone = make_product(stock=9), make_product("Lamp", stock=3), app.test_client()
    log_in(phone)
    add(phone, mug.variant_id)
    add(client, lamp.variant_id, 2)
    set_level(lamp.variant_id, 0)

    log_in(client)

    assert pieces(client) == {"Stoneware mug": 1, "Lamp": 0}


@pytest.mark.parametrize(
    ("on_hand", "member", "guest", "together"), [(9, 2, 3, 5), (4, 2, 3, 4), (1, 2, 3, 2), (0, 2, 3, 2), (None, 9000, 3000, 9999)]
)
def test_a_line_is_cut_to_what_there_is_and_never_below_what_was_there(
    context: Flask, on_hand: int | None, member: int, guest: int, together: int
) -> None:
    user_id = make_user()
    mug = make_product(stock=None if on_hand is None else 99)
    key = fill(Owner(None, None), mug=(mug, guest))
    fill(Owner(None, user_id), mug=(mug, member))
    if on_hand is not None:
        set_level(mug.variant_id, on_hand)

    merge_carts(key, user_id, locale="en", at=NOON)

    assert held(user_id) == {mug.variant_id: together}


def test_the_price_that_the_member_saw_stays(context: Flask) -> None:
    user_id, mug = make_user(), make_product(price=1450, stock=9)
    key = fill(Owner(None, None), mug=(mug, 1))
    fill(Owner(None, user_id), mug=(mug, 1))

    merge_carts(key, user_id, locale="en", at=NOON)

    assert rows(select(CartItem.seen_price_minor)) == [(1450,)]


def test_a_key_of_nobody_merges_nothing(context: Flask) -> None:
    user_id = make_user()

    assert merge_carts("no such key", user_id, locale="en", at=NOON) is None
    assert find_cart(key=None, user_id=user_id) is None


@pytest.mark.parametrize("has_cart", [True, False])
def test_of_two_log_ins_at_once_one_merges(app: Flask, has_cart: bool) -> None:
    with app.app_context():
        user_id, mug = make_user(), make_product(stock=99)
        key = fill(Owner(None, None), mug=(mug, 2))
        if has_cart:
            fill(Owner(None, user_id), mug=(mug, 3))

    merges = at_once(app, [key] * 6, user_id)

    assert len([merge for merge in merges if merge]) == 1
    with app.app_context():
        assert held(user_id) == {mug.variant_id: 5 if has_cart else 2}


def test_two_devices_that_log_in_at_once_end_in_one_cart(app: Flask) -> None:
    with app.app_context():
        user_id, mug, bowl = make_user(), make_product(stock=99), make_product("Bowl", stock=99)
        keys = [fill(Owner(None, None), mug=(mug, 2), bowl=(bowl, 1)) for _ in range(6)]

    merges = at_once(app, keys, user_id)

    assert all(merges)
    with app.app_context():
        assert held(user_id) == {mug.variant_id: 12, bowl.variant_id: 6}
        assert states() == {"open": 1, "merged": 5}


def at_once(app: Flask, keys: list[str], user_id: int) -> list[Merge | None]:
    start = Barrier(len(keys))

    def run(key: str) -> Merge | None:
        with app.app_context():
            start.wait(PATIENCE_S)
            return merge_carts(key, user_id, locale="en", at=NOON)

    with ThreadPoolExecutor(len(keys)) as pool:
        return [future.result(PATIENCE_S) for future in [pool.submit(run, key) for key in keys]]
