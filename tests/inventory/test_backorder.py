"""More may be sold than there is, up to a number that the shop says; the database holds it, and customers read when it ships."""

from __future__ import annotations

import pytest
from flask import Flask
from sqlalchemy import select, text
from sqlalchemy.exc import IntegrityError

from shop.cart.quotes import quote_cart
from shop.catalog.services import record_stock
from shop.db import scalar, transaction
from shop.errors import Invalid, OutOfStock
from shop.inventory.models import StockItem
from shop.inventory.services import Backorder, set_backorder, take_stock
from shop.order.services import cancel_order
from tests.factories import NOON, Made, make_product
from tests.inventory.test_races import all_at_once, buy
from tests.inventory.test_services import assert_ledger_agrees, on_hand
from tests.orders import make_cart, make_order


@pytest.fixture
def mug(context: Flask) -> Made:
    """Two are there, three more may be sold."""
    made = make_product(slug="mug", stock=2)
    record_stock(made.variant_id, None, reason="count", low_at=3, backorder=Backorder(3, 12), by="ana@example.com", at=NOON)
    return made


def take(mug: Made, pieces: int) -> None:
    take_stock([(mug.variant_id, pieces)], reference="BD-1", actor="customer", at=NOON)


def test_so_many_more_are_sold_and_not_one_beyond(mug):
    take(mug, 4)
    with pytest.raises(OutOfStock) as refused:
        take(mug, 2)
    take(mug, 1)

    assert refused.value.extras["lines"] == [{"variant_id": mug.variant_id, "wanted": 2, "available": 1}]
    assert on_hand(mug.variant_id) == -3
    assert_ledger_agrees()


def test_ten_buyers_at_once_get_five(context, mug):
    outcomes = all_at_once(context, [buy((mug.variant_id, 1)) for _ in range(10)])

    assert outcomes == {"done": 5, "out of stock": 5}
    assert on_hand(mug.variant_id) == -3


def test_the_database_itself_holds_the_limit(mug):
    with pytest.raises(IntegrityError, match="on_hand_range"), transaction() as session:
        session.execute(text("UPDATE stock_items SET on_hand = -4"))


def test_the_limit_does_not_fall_below_what_is_sold_already(mug):
    take(mug, 4)

    with pytest.raises(Invalid):
        set_backorder(mug.variant_id, 1, lead_days=12)
    set_backorder(mug.variant_id, 2, lead_days=5)

    assert scalar(select(StockItem.backorder_to)) == 2


def test_two_lines_of_one_variant_are_checked_as_one(mug):
    """Source: medusa issue 16502: each line fits, the sum does not."""
    with pytest.raises(OutOfStock):
        take_stock([(mug.variant_id, 3), (mug.variant_id, 3)], reference="BD-1", actor="customer", at=NOON)

    assert on_hand(mug.variant_id) == 2


def test_a_cart_says_when_the_rest_ships(mug):
    cart_id = make_cart([(mug, 4)])

    line = quote_cart(cart_id, country="ES", delivery_code=None, locale="en", at=NOON).lines[0]

    assert line.quantity == 4
    assert [(notice.code, notice.text) for notice in line.notices] == [
        ("ships_later", "2 of them are not here yet. Ships in about 12 days.")
    ]


def test_the_page_says_when_it_ships_and_nothing_of_few(client, app):
    with app.app_context():
        made = make_product(slug="mug", stock=0)
        assert "sold out" in client.get("/p/mug").text
        record_stock(made.variant_id, 2, reason="count", low_at=3, backorder=Backorder(3, 12), by="ana@example.com", at=NOON)
        page = client.get("/p/mug").text
        assert "Only 2 left" not in page
        assert "Ships in about" not in page
        take(made, 3)
        page = client.get("/p/mug").text

    assert "Ships in about 12 days." in page
    assert 'name="quantity"' in page


def test_an_order_takes_what_is_not_there_and_its_cancellation_gives_it_back(mug):
    order = make_order([(mug, 4)])
    assert on_hand(mug.variant_id) == -2

    cancel_order(order.id, by="customer", at=NOON)

    assert on_hand(mug.variant_id) == 2
    assert_ledger_agrees()
