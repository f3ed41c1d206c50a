"""Builders for tests of buying: a filled cart, what a customer wants, an order that was placed; and a count of statements."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from typing import Any

from sqlalchemy import event

from shop.cart.models import Cart, CartItem
from shop.cart.quotes import quote_cart
from shop.checkout.services import place_order
from shop.checkout.wanted import Checkout
from shop.customer.values import AddressValues
from shop.db import db, transaction
from shop.order.models import Order
from tests.factories import NOON, Made, make_product

ADDRESS = AddressValues(name="Lucía Ferrer Ortega", country="ES", line1="Calle Feria 18", city="Sevilla", region="SE", postcode="41003")
_count = iter(range(1, 1_000_000))


def make_cart(lines: Sequence[tuple[Made, int]] = (), *, user_id: int | None = None, key: str | None = None, at: datetime = NOON) -> int:
    """An open cart with (product, pieces); one mug when nothing is named."""
    lines = lines or [(make_product(), 1)]
    with transaction() as session:
        cart = Cart(key=key or f"key-{next(_count)}", user_id=user_id, currency="EUR", created_at=at, updated_at=at)
        session.add(cart)
        session.flush()
        session.add_all(
            CartItem(cart_id=cart.id, variant_id=made.variant_id, quantity=quantity, seen_price_minor=1450, added_at=at)
            for made, quantity in lines
        )
        session.flush()
        return cart.id


def make_wanted(cart_id: int | None = None, **changes: Any) -> Checkout:
    """What a customer wants; with ``cart_id`` they were shown that cart as it stands."""
    values: dict[str, Any] = {
        "email": "lucia@example.com",
        "locale": "en",
        "shipping_address": ADDRESS,
        "billing_address": None,
        "shipping_method": "standard",
        "payment_method": "bank_transfer",
        **changes,
    }
    wanted = Checkout(**values)
    if cart_id is None:
        return wanted
    view = quote_cart(cart_id, country=wanted.country, delivery_code=wanted.shipping_method, locale=wanted.locale, at=NOON)
    return Checkout(**{**values, "shown": view.quote.fingerprint})


def make_order(lines: Sequence[tuple[Made, int]] = (), *, at: datetime = NOON, user_id: int | None = None, **changes: Any) -> Order:
    """An order that was placed."""
    cart_id = make_cart(lines, user_id=user_id, at=at)
    return place_order(cart_id, make_wanted(cart_id, user_id=user_id, **changes), at=at)


@contextmanager
def counted() -> Iterator[list[str]]:
    """The statements that are sent meanwhile; begin and commit are none."""
    statements: list[str] = []

    def note(_connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
        if not statement.lstrip().upper().startswith(("BEGIN", "PRAGMA")):
            statements.append(statement)

    engine = db.engine
    event.listen(engine, "before_cursor_execute", note)
    try:
        yield statements
    finally:
        event.remove(engine, "before_cursor_execute", note)
