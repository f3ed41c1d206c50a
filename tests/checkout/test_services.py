"""Placing an order: exactly as shown, once per cart, all of it or nothing."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import delete, event, func, insert, select, update

from shop.cart.models import Cart, CartItem, CartState
from shop.cart.services import add_to_cart
from shop.catalog.models import Price, Product
from shop.checkout.services import place_order
from shop.customer.models import Customer
from shop.db import db, row, rows, scalar, transaction
from shop.errors import CartEmpty, Invalid, OutOfStock, QuoteChanged
from shop.inventory.models import StockItem, StockMovement
from shop.order import placing
from shop.order.models import AddressKind, Adjustment, Order, OrderAddress, OrderLine, PaymentState
from shop.order.queries import get_order
from shop.outbox.models import Event
from shop.payment.models import Payment, State
from shop.pricing.models import ShippingRate
from shop.settings.services import touch_topic
from tests.factories import NOON, make_product
from tests.orders import ADDRESS, counted, make_cart, make_order, make_wanted
from tests.people import make_user
from tests.races import in_parallel

TABLES = (Order, OrderLine, Adjustment, OrderAddress, Customer, Payment, Event, StockMovement)


def counts() -> dict[str, int]:
    return {table.__tablename__: int(scalar(select(func.count()).select_from(table)) or 0) for table in TABLES}


def stock_of(variant_id: int) -> int:
    return int(scalar(select(StockItem.on_hand).where(StockItem.variant_id == variant_id)))


def raise_price(variant_id: int, minor: int) -> None:
    with transaction() as session:
        session.execute(insert(Price).values(variant_id=variant_id, currency="EUR", valid_from=NOON - timedelta(minutes=1), minor=minor))


def test_an_order_freezes_everything_and_empties_the_stock(context):
    mug, lamp = make_product("Mug", price=1450, stock=10), make_product("Lamp", price=8900, stock=5, options={"Color": ["Sage"]})

    order = make_order([(mug, 2), (lamp, 1)], note="Ring twice")

    view = get_order(order.number)
    assert [(line.name, line.options, line.quantity, line.total.minor) for line in view.lines] == [
        ("Mug", "", 2, 2900),
        ("Lamp", "Sage", 1, 8900),
    ]
    assert (view.subtotal.minor, view.shipping.minor, view.total.minor) == (11800, 0, 11800)
    assert sum(line.tax.minor for line in view.lines) == view.tax.minor == 503 + 1545
    assert (view.shipping_address, view.billing_address, view.email, view.note) == (ADDRESS, None, "lucia@example.com", "Ring twice")
    assert (stock_of(mug.variant_id), stock_of(lamp.variant_id)) == (8, 4)
    assert {
        (moved.delta, moved.reference)
        for moved in rows(select(StockMovement.delta, StockMovement.reference).where(StockMovement.delta < 0))
    } == {
        (-2, order.number),
        (-1, order.number),
    }
    assert scalar(select(Cart.state).where(Cart.id == order.cart_id)) is CartState.ORDERED
    assert row(select(Event.kind, Event.subject)) == ("order.placed", f"order:{order.id}")
    assert row(select(Payment.state, Payment.amount_minor, Payment.gateway)) == (State.PENDING, 11800, "bank_transfer")


def test_placing_sends_twelve_statements_at_most_however_many_lines(context):
    for lines in (1, 30):
        cart_id = make_cart([(make_product(stock=50), 1) for _ in range(lines)])
        wanted = make_wanted(cart_id)

        with counted() as statements:
            place_order(cart_id, wanted, at=NOON)

        assert len(statements) <= 12, statements


def test_the_same_cart_again_is_the_same_order(context):
    cart_id = make_cart()
    wanted = make_wanted(cart_id)

    first = place_order(cart_id, wanted, at=NOON)
    again = place_order(cart_id, wanted, at=NOON)

    assert again.id == first.id
    assert again.number == first.number
    assert counts()["orders"] == counts()["payments"] == 1


def test_a_price_that_rose_is_asked_again_and_nothing_is_charged(context):
    mug = make_product(price=1450)
    cart_id = make_cart([(mug, 2)])
    wanted = make_wanted(cart_id)
    raise_price(mug.variant_id, 1500)
    before = counts()

    with pytest.raises(QuoteChanged) as caught:
        place_order(cart_id, wanted, at=NOON)

    assert caught.value.extras["quote"]["totals"]["total"] == {"minor": 3490, "currency": "EUR"}
    assert counts() == before
    assert scalar(select(Cart.state)) is CartState.OPEN


def test_stock_delivery_and_goods_that_changed_are_asked_again(context):
    mug, lamp = make_product(stock=5), make_product("Lamp", stock=5)
    changes: list[Callable[[Any], Any]] = [
        lambda session: session.execute(update(StockItem).where(StockItem.variant_id == mug.variant_id).values(on_hand=1)),
        lambda session: session.execute(update(ShippingRate).where(ShippingRate.price_minor == 490).values(price_minor=590)),
        lambda session: session.execute(update(Product).where(Product.id == lamp.id).values(archived_at=NOON)),
    ]
    cart_id = make_cart([(mug, 2), (lamp, 1)])

    for change in changes:
        wanted = make_wanted(cart_id)
        with transaction() as session:
            change(session)
            touch_topic("pricing")

        with pytest.raises(QuoteChanged):
            place_order(cart_id, wanted, at=NOON)

    assert counts()["orders"] == 0


def test_a_line_that_another_tab_added_is_not_ordered_unseen(context):
    cart_id = make_cart()
    wanted = make_wanted(cart_id)
    add_to_cart(cart_id, make_product("Lamp").variant_id, 1, at=NOON)

    with pytest.raises(QuoteChanged):
        place_order(cart_id, wanted, at=NOON)


def test_who_was_shown_nothing_gets_the_whole_cart_or_no_order(context):
    mug, gone = make_product(stock=1), make_product("Gone")
    cart_id = make_cart([(mug, 3), (gone, 1)])
    with transaction() as session:
        session.execute(update(Product).where(Product.id == gone.id).values(archived_at=NOON))

    with pytest.raises(OutOfStock) as caught:
        place_order(cart_id, make_wanted(), at=NOON)

    assert caught.value.extras["lines"] == [
        {"variant_id": mug.variant_id, "wanted": 3, "available": 1},
        {"variant_id": gone.variant_id, "wanted": 1, "available": 0},
    ]
    assert counts()["orders"] == 0


def test_an_empty_cart_and_an_unknown_delivery_are_no_order(context):
    empty = make_cart()
    with transaction() as session:
        session.execute(delete(CartItem))
    with pytest.raises(CartEmpty):
        place_order(empty, make_wanted(), at=NOON)

    with pytest.raises(Invalid):
        place_order(make_cart(), make_wanted(shipping_method="pigeon"), at=NOON)

    assert counts()["orders"] == 0


def test_what_costs_nothing_is_paid_at_once(context):
    order = make_order([(make_product(price=0), 1)], shipping_method="pickup", shipping_address=None, billing_address=ADDRESS)

    assert get_order(order.number).payment_state is PaymentState.PAID
    assert counts()["payments"] == 0


def test_what_is_collected_has_no_delivery_address_and_is_taxed_at_home(context):
    order = make_order(shipping_method="pickup", shipping_address=None, billing_address=ADDRESS)

    view = get_order(order.number)
    assert view.is_pickup
    assert (view.shipping_address, view.billing_address, view.name) == (None, ADDRESS, ADDRESS.name)
    assert [found.kind for found in rows(select(OrderAddress.kind))] == [AddressKind.BILLING]


def test_a_member_and_a_guest_are_each_one_customer(context):
    user_id = make_user()

    orders = [make_order(), make_order(), make_order(user_id=user_id), make_order(user_id=user_id)]

    assert [order.customer_id for order in orders] == [orders[0].customer_id] * 2 + [orders[2].customer_id] * 2
    assert sorted(found.user_id or 0 for found in rows(select(Customer.user_id))) == [0, user_id]


def test_lists_know_when_the_last_piece_is_gone(context):
    mug = make_product(stock=1)

    make_order([(mug, 1)])

    assert row(select(Product.available, Product.pieces_left).where(Product.id == mug.id)) == (False, None)


def test_a_number_that_is_taken_is_drawn_anew(context, monkeypatch):
    first = make_order()
    drawn = iter([first.number, first.number, "ZZZZ-ZZZZ"])
    monkeypatch.setattr(placing.write_order, "__kwdefaults__", {"number": lambda: next(drawn)})

    assert make_order().number == "ZZZZ-ZZZZ"


# Whatever breaks, nothing is half done


class Broken(Exception):
    """Planted."""


def break_nth(n: int) -> Callable[[], None]:
    """Have the n-th statement or the commit fail; gives the way back."""
    seen = {"at": 0}

    def count(*_: Any) -> None:
        seen["at"] += 1
        if seen["at"] == n:
            raise Broken(n)

    engine = db.engine
    event.listen(engine, "before_cursor_execute", count)
    event.listen(engine, "commit", count)

    def undo() -> None:
        event.remove(engine, "before_cursor_execute", count)
        event.remove(engine, "commit", count)

    return undo


def test_whichever_statement_or_commit_fails_nothing_happened_and_the_next_buyer_is_served(context):
    mug, lamp = make_product(stock=300), make_product("Lamp", stock=300)
    cart_id = make_cart([(mug, 1), (lamp, 2)])
    wanted = make_wanted(cart_id)
    before, failures = counts(), 0

    for n in range(1, 100):
        undo = break_nth(n)
        try:
            place_order(cart_id, wanted, at=NOON)
        except Broken:
            failures += 1
        else:
            break
        finally:
            undo()
        assert counts() == before
        assert (stock_of(mug.variant_id), stock_of(lamp.variant_id)) == (300 - (n - 1), 300 - 2 * (n - 1))
        assert scalar(select(Cart.state).where(Cart.id == cart_id)) is CartState.OPEN
        make_order([(mug, 1), (lamp, 2)])
        before = counts()

    assert failures >= 12
    assert counts()["orders"] == failures + 1


# Races


def test_twenty_buyers_of_five_pieces_make_five_orders(app):
    with app.app_context():
        mug, lamp = make_product(stock=5), make_product("Lamp", stock=500)
        carts = [make_cart([(lamp, 1), (mug, 1)] if n % 2 else [(mug, 1), (lamp, 1)]) for n in range(20)]
        wanted = [make_wanted(cart_id) for cart_id in carts]

    answers = in_parallel(app, [lambda at=at: place_order(carts[at], wanted[at], at=NOON) for at in range(20)])

    with app.app_context():
        placed = [answer for answer in answers if isinstance(answer, Order)]
        assert len(placed) == 5, answers
        assert all(isinstance(answer, Order | OutOfStock | QuoteChanged) for answer in answers), answers
        assert counts()["orders"] == 5
        assert (stock_of(mug.variant_id), stock_of(lamp.variant_id)) == (0, 495)
        assert scalar(select(func.sum(StockMovement.delta)).where(StockMovement.variant_id == mug.variant_id)) == 0
        assert len(rows(select(Cart.id).where(Cart.state == CartState.OPEN))) == 15


def test_a_double_click_is_one_order(app):
    with app.app_context():
        cart_id = make_cart([(make_product(stock=100), 1)])
        wanted = make_wanted(cart_id)

    answers = in_parallel(app, [lambda: place_order(cart_id, wanted, at=NOON)] * 10)

    with app.app_context():
        assert len({answer.number for answer in answers}) == 1
        assert counts()["orders"] == counts()["payments"] == 1
