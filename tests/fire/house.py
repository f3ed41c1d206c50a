"""A shop within the test's own process, its bank beside it; what its couriers and sweeps do, and its judges."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, ClassVar

from flask import Flask, current_app
from sqlalchemy import select

from shop.cart.models import Cart, CartItem
from shop.checkout.services import place_order
from shop.checkout.wanted import Checkout
from shop.clock import now
from shop.db import db, row, transaction
from shop.order.models import Order, OrderLine
from shop.outbox.courier import deliver_due
from shop.payment.expiry import expire_unpaid
from shop.payment.gateways.base import Truth
from shop.payment.gateways.test_card import TestCard
from shop.payment.models import Payment
from shop.payment.queries import gateways
from shop.payment.services import settle_order, start_payment
from shop.payment.tasks import sweep
from shop.payment.test_bank.books import TestBank
from tests.factories import Made, make_product
from tests.fire import judge
from tests.fire.seams import WatchedBank
from tests.orders import ADDRESS

ANA = "ana@example.com"
CARTS = iter(range(1, 1_000_000))
ROUNDS = 40


@dataclass
class House:
    """The shop under test. ``reach`` is told of every call of the bank; ``at`` is its clock, which goes on only when time is said to pass."""

    newest: ClassVar[House]

    app: Flask
    books: TestBank
    at: datetime
    reach: Callable[[str], None] = lambda _place: None
    goods: list[Made] = field(default_factory=list)

    def watch_bank(self) -> None:
        gateways()["test_card"].bank = WatchedBank(self.books, lambda place: self.reach(place))  # type: ignore[attr-defined]

    # What people do

    def cart(self, pieces: int = 2, *, lines: int = 2) -> int:
        """An open cart with so many pieces of each of the first goods."""
        with transaction() as session:
            cart = Cart(key=f"fire-{next(CARTS)}", currency="EUR", created_at=self.at, updated_at=self.at)
            session.add(cart)
            session.flush()
            for made in self.goods[:lines]:
                session.add(CartItem(cart_id=cart.id, variant_id=made.variant_id, quantity=pieces, seen_price_minor=1450, added_at=self.at))
            session.flush()
            return cart.id

    def place(self, cart_id: int, method: str = "test_card") -> Order:
        return place_order(cart_id, wanted(method), at=self.at)

    def order(self, method: str = "test_card") -> Order:
        """An order that waits for its money; one by card is open at the bank."""
        order = self.place(self.cart(), method)
        if method == "test_card":
            start_payment(order.id, gateway=method, at=self.at)
        return order

    def approve(self, order_id: int) -> None:
        """The customer's word on the bank's page."""
        reference = row(select(Payment.reference).where(Payment.order_id == order_id).order_by(Payment.id.desc())).reference
        self.books.decide(reference, Truth.CAPTURED, at=self.at)

    def paid(self) -> Order:
        order = self.order()
        self.approve(order.id)
        settle_order(order.id, at=self.at)
        return order

    def lines(self, order_id: int) -> list[int]:
        with db.engine.connect() as link:
            return list(link.execute(select(OrderLine.id).where(OrderLine.order_id == order_id).order_by(OrderLine.id)).scalars())

    # What happens by itself

    def heal(self) -> None:
        """Time passes: couriers come again after their pauses, sweeps ask the bank, until nothing is left to do."""
        for number in range(ROUNDS):
            if not self.pass_time(timedelta(minutes=20)) and number > 2:
                return

    def pass_time(self, how_long: timedelta) -> int:
        """What sweeps, expiry and couriers do when so much time is over; gives how much it was."""
        self.at += how_long
        swept = sweep(self.at) + expire_unpaid(self.at)
        return swept + sum(self.carry() for _round in range(3))

    def carry(self) -> int:
        done = deliver_due(at=self.at)
        return done.delivered + done.failed

    def stop_clocks(self, monkeypatch: Any) -> None:
        """Who asks for the time in this process hears the newest house's."""
        House.newest = self
        for name, module in list(sys.modules.items()):
            if name.startswith("shop") and getattr(module, "now", None) is now:
                monkeypatch.setattr(module, "now", lambda: House.newest.at)

    # The judges

    def wrongs(self, *, is_settled: bool = True) -> list[str]:
        """What all judges say; while something is under way the bank may know more than we, never less."""
        ledger = self.books.ledger()
        of_the_bank = judge.compare_ledger(ledger, is_settled=is_settled) + (judge.charged_twice(ledger) if is_settled else [])
        return [*of_the_bank, *judge.audit(self.at)]


def wanted(method: str) -> Checkout:
    return Checkout(
        email="lucia@example.com",
        locale="en",
        shipping_address=ADDRESS,
        billing_address=None,
        shipping_method="standard",
        payment_method=method,
    )


def open_house(app: Flask, folder: Path, monkeypatch: Any) -> House:
    """Goods on the shelf, a bank with empty books."""
    at = now()
    house = House(app, TestBank(folder / "bank.db"), at)
    monkeypatch.setitem(gateways(), "test_card", TestCard(house.books))
    house.watch_bank()
    house.stop_clocks(monkeypatch)
    past = at - timedelta(days=30)
    house.goods = [make_product(f"Thing {place}", stock=100_000, at=past, published_at=past) for place in range(3)]
    current_app.extensions["kept"].look_again()
    return house
