from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest
from flask import Flask
from sqlalchemy import select

from shop.cart.models import Cart, CartItem, CartState
from shop.cart.queries import count_visitor_items
from shop.cart.services import (
    CartClosed,
    CartFull,
    Owner,
    add_to_cart,
    claim_cart,
    close_cart,
    open_cart,
    put_into_cart,
    remove_item,
    set_quantity,
)
from shop.db import row, rows, transaction
from shop.errors import NotFound, OutOfStock
from tests.factories import NOON, make_product
from tests.people import make_user

GUEST = Owner(None, None)
PATIENCE_S = 60


def at_once(app: Flask, acts: list[Callable[[], object]]) -> Counter[str]:
    start = Barrier(len(acts))

    def run(act: Callable[[], object]) -> str:
        with app.app_context():
            start.wait(PATIENCE_S)
            try:
                act()
            except (CartClosed, OutOfStock) as refusal:
                return refusal.slug
            return "done"

    with ThreadPoolExecutor(len(acts)) as pool:
        return Counter(future.result(PATIENCE_S) for future in [pool.submit(run, act) for act in acts])


def test_claiming_counts_the_version_and_notes_the_moment(context: Flask) -> None:
    cart = open_cart(GUEST, at=NOON)

    with transaction():
        claimed = claim_cart(cart.id)
        again = claim_cart(cart.id, at=NOON)

    assert (claimed.id, claimed.key, claimed.user_id, claimed.currency) == (cart.id, cart.key, None, "EUR")
    assert again.version == claimed.version + 1


def test_a_refused_first_line_leaves_no_cart(context: Flask) -> None:
    mug = make_product(stock=1)

    with pytest.raises(OutOfStock):
        put_into_cart(GUEST, mug.variant_id, 2, at=NOON)

    assert rows(select(Cart.id)) == []


@pytest.mark.parametrize("state", [CartState.ORDERED, CartState.MERGED])
def test_a_closed_cart_takes_part_in_nothing(context: Flask, state: CartState) -> None:
    mug = make_product()
    cart = put_into_cart(GUEST, mug.variant_id, 1, at=NOON)
    item_id = row(select(CartItem.id))[0]
    close_cart(cart.id, state, at=NOON)

    for act in (
        lambda: add_to_cart(cart.id, mug.variant_id, 1, at=NOON),
        lambda: set_quantity(cart.id, item_id, 2, at=NOON),
        lambda: remove_item(cart.id, item_id, at=NOON),
        lambda: close_cart(cart.id, state, at=NOON),
    ):
        with pytest.raises(CartClosed):
            act()
    assert row(select(CartItem.quantity)) == (1,)


def test_a_line_of_another_cart_is_not_found(context: Flask) -> None:
    mug = make_product()
    put_into_cart(GUEST, mug.variant_id, 1, at=NOON)
    other = open_cart(GUEST, at=NOON)
    item_id = row(select(CartItem.id))[0]

    for act in (lambda: set_quantity(other.id, item_id, 2, at=NOON), lambda: remove_item(other.id, item_id, at=NOON)):
        with pytest.raises(NotFound):
            act()


def test_a_cart_holds_so_many_different_goods(context: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shop.cart.services.MAX_LINES", 2)
    goods = [make_product(f"Thing {number}").variant_id for number in range(3)]
    cart = open_cart(GUEST, at=NOON)
    for variant_id in goods[:2]:
        add_to_cart(cart.id, variant_id, 1, at=NOON)

    with pytest.raises(CartFull):
        add_to_cart(cart.id, goods[2], 1, at=NOON)
    assert add_to_cart(cart.id, goods[0], 1, at=NOON).quantity == 2


def test_clicks_at_once_lose_no_piece(app: Flask) -> None:
    with app.app_context():
        mug = make_product(stock=99)
        cart = open_cart(GUEST, at=NOON)

    outcomes = at_once(app, [lambda: add_to_cart(cart.id, mug.variant_id, 1, at=NOON)] * 12)

    assert outcomes == {"done": 12}
    with app.app_context():
        assert count_visitor_items(key=cart.key, user_id=None, at=NOON) == 12


def test_an_order_and_a_click_at_once_never_share_a_line(app: Flask) -> None:
    with app.app_context():
        mug = make_product(stock=99)
        cart = put_into_cart(GUEST, mug.variant_id, 1, at=NOON)
    ordered: list[int] = []

    def order() -> None:
        with transaction():
            claim_cart(cart.id)
            ordered.append(row(select(CartItem.quantity))[0])
            close_cart(cart.id, CartState.ORDERED, at=NOON)

    outcomes = at_once(app, [order] + [lambda: add_to_cart(cart.id, mug.variant_id, 1, at=NOON)] * 7)

    with app.app_context():
        assert [row(select(CartItem.quantity))[0]] == ordered
    assert outcomes["done"] == ordered[0]


def test_a_member_on_two_devices_at_once_gets_one_cart(app: Flask) -> None:
    with app.app_context():
        user_id, mug = make_user(), make_product(stock=99)

    outcomes = at_once(app, [lambda: put_into_cart(Owner(None, user_id), mug.variant_id, 1, at=NOON)] * 8)

    assert outcomes == {"done": 8}
    with app.app_context():
        assert rows(select(CartItem.quantity)) == [(8,)]
