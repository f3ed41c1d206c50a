"""What the checkout must know before anybody orders: a member's addresses, what became of a cart."""

from __future__ import annotations

from typing import Any, NamedTuple

from sqlalchemy import Row, bindparam, select

from shop.cart.models import Cart
from shop.customer.models import Address, Customer
from shop.customer.values import AddressValues
from shop.db import row, rows
from shop.order.models import AddressKind, Order, OrderAddress
from shop.pricing.queries import reachable_countries

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
BOOK = (
    select(Address.id, *(getattr(Address, name) for name in AddressValues.__dataclass_fields__))
    .join(Customer, Customer.id == Address.customer_id)
    .where(Customer.user_id == bindparam("user_id"))
    .order_by(Address.is_default.desc(), Address.id.desc())
)


class KnownAddress(NamedTuple):
    """An address of a member's book, to press on."""

    id: int
    values: AddressValues


def find_cart_state(cart_id: int) -> Row[Any] | None:
    """How a cart stands, whose it is, and the number of the order that it became."""
    return row(CART, cart_id=cart_id)


def list_known_addresses(user_id: int) -> list[KnownAddress]:
    """The addresses of a member's book that we deliver to, the usual one first."""
    reached = reachable_countries()
    return [KnownAddress(found.id, _values(found)) for found in rows(BOOK, user_id=user_id) if found.country in reached]


def find_last_address(user_id: int) -> AddressValues | None:
    """Where a member's last order went to, if we deliver there."""
    found = row(LAST_ADDRESS, user_id=user_id)
    return _values(found) if found is not None and found.country in reachable_countries() else None


def _values(found: Row[Any]) -> AddressValues:
    return AddressValues(**{name: found._mapping[name] for name in AddressValues.__dataclass_fields__})  # noqa: SLF001 - SQLAlchemy's public name
