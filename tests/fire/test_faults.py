"""The n-th statement, commit or call of the bank of each verb fails, for every n; then time passes, and the audit and the bank's ledger are clean.

Source of the method: SQLite's own tests of I/O errors. A failed statement or commit is a database that went away; a call of the bank fails once
before anything happened and once after it was done, its answer lost.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.exc import OperationalError

from shop.cart.models import CartItem
from shop.cart.services import Owner, put_into_cart, set_quantity
from shop.db import db, row
from shop.errors import ShopError
from shop.order.changes.services import Edit, edit_order
from shop.order.models import Order
from shop.order.queries import get_order
from shop.order.returns.models import ReturnReason
from shop.order.returns.queries import get_return
from shop.order.returns.services import ask_return, decide_return, receive_return
from shop.order.services import cancel_order, mark_delivered, ship_order
from shop.payment.expiry import end_if_unpaid
from shop.payment.gateways.base import NoAnswer
from shop.payment.models import Payment
from shop.payment.queries import list_attempts
from shop.payment.refunds import refund_payment
from shop.payment.services import capture_payment, record_bank_payment, settle_order, start_payment, void_payment
from tests.fire.house import ANA, House
from tests.fire.scale import IS_FULL, scaled
from tests.fire.seams import watching

MOST = 400
STEP = scaled(4 if os.environ.get("TEST_DATABASE_URL") else 1, 1)  # every place on SQLite; on the other database too in the full form
FAILING = {"statement", "commit", "call", "called"}


class Planted(OperationalError):
    """The database went away, because the test says so."""

    def __init__(self) -> None:
        super().__init__("planted", None, Exception("planted"))


@dataclass
class Fault:
    """Fails at the n-th place that is reached while it is armed."""

    left: int = 0
    hit: str = ""

    def reach(self, place: str) -> None:
        if place not in FAILING or self.left <= 0:
            return
        self.left -= 1
        if self.left == 0:
            self.hit = place
            raise NoAnswer("planted") if place in {"call", "called"} else Planted


@dataclass(frozen=True)
class Verb:
    """``prepare`` makes what the verb is done to; ``act`` does it."""

    prepare: Callable[[House], Any]
    act: Callable[[House, Any], Any]


def to_pay(house: House) -> int:
    order = house.order()
    house.approve(order.id)
    return order.id


def promised(house: House) -> int:
    """The bank has promised the money; gives the payment."""
    gateway: Any = house.app.extensions["gateways"]["test_card"]
    gateway.is_taken_at_once = False
    order = house.order()
    house.approve(order.id)
    settle_order(order.id, at=house.at)
    gateway.is_taken_at_once = True
    return list_attempts(order.id)[0].id


def delivered(house: House) -> int:
    order = house.paid()
    ship_order(order.id, by=ANA, at=house.at)
    mark_delivered(order.id, by=ANA, at=house.at)
    return order.id


def asked_back(house: House, *, approved: bool = False) -> tuple[int, int, int]:
    """A return that was asked for: order, line, return."""
    order_id = delivered(house)
    line_id = house.lines(order_id)[0]
    place = ask_return(order_id, [(line_id, 2)], reason=ReturnReason.WITHDRAWAL, by="customer", at=house.at)
    number = row(select(Order.number).where(Order.id == order_id)).number
    return_id = get_return(get_order(number), place).id
    if approved:
        decide_return(return_id, approve=True, by=ANA, at=house.at)
    return order_id, line_id, return_id


def item_of(house: House) -> tuple[int, int]:
    cart_id = house.cart()
    return cart_id, row(select(CartItem.id).where(CartItem.cart_id == cart_id)).id


def press(house: House, cart_id: int) -> None:
    """What the view does."""
    order = house.place(cart_id)
    start_payment(order.id, gateway="test_card", at=house.at)


def refund(house: House, order_id: int) -> None:
    paid = row(select(Payment.id).where(Payment.order_id == order_id)).id
    refund_payment(paid, press="p1", pieces={house.lines(order_id)[0]: 1}, restocks=True, by=ANA, at=house.at)


def receive(house: House, told: tuple[int, int, int]) -> None:
    _order_id, line_id, return_id = told
    receive_return(return_id, {line_id: (2, 1)}, refund_minor=2900, by=ANA, at=house.at)


def edited(house: House, order_id: int) -> None:
    edit_order(order_id, Edit(pieces={house.lines(order_id)[0]: 1}, added=()), by=ANA, at=house.at)


VERBS = {
    "put into a cart": Verb(lambda _: None, lambda house, _: put_into_cart(Owner(None, None), house.goods[0].variant_id, 1, at=house.at)),
    "change a quantity": Verb(item_of, lambda house, told: set_quantity(*told, 3, at=house.at)),
    "place an order": Verb(lambda house: house.cart(), press),
    "settle": Verb(to_pay, lambda house, order_id: settle_order(order_id, at=house.at)),
    "expire": Verb(lambda house: house.order().id, lambda house, order_id: end_if_unpaid(order_id, at=house.at + timedelta(hours=1))),
    "cancel": Verb(lambda house: house.paid().id, lambda house, order_id: cancel_order(order_id, by=ANA, at=house.at)),
    "cancel unpaid": Verb(lambda house: house.order().id, lambda house, order_id: cancel_order(order_id, by=ANA, at=house.at)),
    "carry letters": Verb(lambda house: cancel_order(house.paid().id, by=ANA, at=house.at), lambda house, _: house.carry()),
    "refund": Verb(lambda house: house.paid().id, refund),
    "capture": Verb(promised, lambda house, payment_id: capture_payment(payment_id, by=ANA, at=house.at)),
    "void": Verb(promised, lambda house, payment_id: void_payment(payment_id, by=ANA, at=house.at)),
    "record a transfer": Verb(
        lambda house: house.order("bank_transfer").id, lambda house, order_id: record_bank_payment(order_id, by=ANA, at=house.at)
    ),
    "pay by transfer after all": Verb(to_pay, lambda house, order_id: record_bank_payment(order_id, by=ANA, at=house.at)),
    "ship": Verb(lambda house: house.paid().id, lambda house, order_id: ship_order(order_id, by=ANA, at=house.at)),
    "edit": Verb(lambda house: house.paid().id, edited),
    "ask a return": Verb(
        delivered,
        lambda house, order_id: ask_return(
            order_id, [(house.lines(order_id)[0], 1)], reason=ReturnReason.WITHDRAWAL, by="customer", at=house.at
        ),
    ),
    "receive a return": Verb(lambda house: asked_back(house, approved=True), receive),
}


def fail_everywhere(house: House, verb: Verb) -> tuple[int, list[str]]:
    """Gives how many places failed, and what the judges say."""
    fault, wrongs = Fault(), []
    house.reach = fault.reach
    with watching(db.engine, fault.reach):
        for place in range(1, MOST, STEP):
            about = verb.prepare(house)
            fault.left, fault.hit = place, ""
            with suppress(ShopError, Planted, NoAnswer):
                verb.act(house, about)
            fault.left = 0
            if not fault.hit:
                break
            if place % 2:  # who asked asks once more, or nobody does
                with suppress(ShopError):
                    verb.act(house, about)
            if IS_FULL:
                house.heal()
                wrongs += [f"after {fault.hit}, the {place}th place: {wrong}" for wrong in house.wrongs()]
    house.heal()
    return place // STEP, wrongs or house.wrongs()


@pytest.mark.parametrize("name", VERBS)
def test_whatever_fails_in_the_middle_the_shop_is_right_afterwards(house: House, name: str) -> None:
    places, wrongs = fail_everywhere(house, VERBS[name])

    assert wrongs == []
    assert places > 0
    print(f"\n{name}: failed at {places} places")


def test_a_verb_in_two_transactions_is_found_out(house: House) -> None:
    """Planted: pieces are taken in one transaction, the order written in another that may fail."""
    from shop.inventory.services import take_stock

    def careless(house: House, cart_id: int) -> None:
        take_stock([(house.goods[0].variant_id, 2)], reference="AAAA-BBBB", actor="customer", at=house.at)
        house.place(cart_id)

    _places, wrongs = fail_everywhere(house, Verb(lambda house: house.cart(), careless))

    assert wrongs != []
