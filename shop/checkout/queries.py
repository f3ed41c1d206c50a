"""What the checkout must know before anybody orders: countries that are reached, a member's usual address, what became of a cart."""

from __future__ import annotations

from typing import Any

from flask import current_app
from sqlalchemy import Row, bindparam, select

from shop.cart.models import Cart
from shop.customer.addresses import all_countries
from shop.customer.models import Address, Customer
from shop.customer.values import AddressValues
from shop.db import row, rows
from shop.order.models import AddressKind, Order, OrderAddress
from shop.pricing.models import ShippingKind, ShippingMethod
from shop.settings.queries import kept

REACHED = select(ShippingMethod.countries, ShippingMethod.kind).where(
    ShippingMethod.archived_at.is_(None), ShippingMethod.currency == bindparam("currency")
)
CART = (
    select(Cart.id, Cart.state, Cart.user_id, Order.number)
    .outerjoin(Order, Order.cart_id == Cart.id)
    .where(Cart.id == bindparam("cart_id"))
)
LAST_ADDRESS = (
    select(*(getattr(OrderAddress, name) for name in AddressValues.__dataclass_fields__))
    .join(Order, Order.id == OrderAddress.order_id)
    .where(Order.user_id == bindparam("user_id"), OrderAddress.kind == AddressKind.SHIPPING)
    .order_by(Order.placed_at.desc())
    .limit(1)
)
USUAL_ADDRESS = (
    select(*(getattr(Address, name) for name in AddressValues.__dataclass_fields__))
    .join(Customer, Customer.id == Address.customer_id)
    .where(Customer.user_id == bindparam("user_id"), Address.is_default.is_(True))
)


def reachable_countries() -> frozenset[str]:
    """Countries that some way of delivery reaches; the shop's own, where nothing but the counter is offered."""
    return kept("pricing", "reachable_countries", _read_reachable)


def _read_reachable() -> frozenset[str]:
    config = current_app.extensions["config"]
    reached: set[str] = set()
    for method in rows(REACHED, currency=config.currency):
        if method.kind is ShippingKind.DELIVERY:
            reached |= set(method.countries.split()) or set(all_countries())
    return frozenset(reached or {config.country})


def find_cart_state(cart_id: int) -> Row[Any] | None:
    """How a cart stands, whose it is, and the number of the order that it became."""
    return row(CART, cart_id=cart_id)


def find_usual_address(user_id: int) -> AddressValues | None:
    """The usual address of a member's book, else the one that their last order went to; a place that we deliver to."""
    for statement in (USUAL_ADDRESS, LAST_ADDRESS):
        found = row(statement, user_id=user_id)
        if found is not None and found.country in reachable_countries():
            return AddressValues(**found._asdict())
    return None
