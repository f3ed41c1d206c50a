"""Reading people: lists with a search, newest first by keyset; one with everything that staff look for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Row, bindparam, func, or_, select

from shop.auth.models import Role, User
from shop.auth.permissions import BUILT_IN, NAMES, PERMISSIONS
from shop.customer.models import Address, Customer
from shop.customer.values import AddressValues
from shop.db import is_sqlite, row, rows
from shop.errors import NotFound
from shop.order.models import Order
from shop.order.standing import STANDING
from shop.web.pagination import Page, decode_cursor, encode_cursor

PAGE = 50
USERS = select(User.id, User.email, User.name, User.role, User.locale, User.created_at, User.locked_at, User.version).order_by(
    User.id.desc()
)
USER = USERS.where(User.id == bindparam("user_id"))
_orders = select(func.count()).select_from(Order).where(Order.customer_id == Customer.id).correlate(Customer).scalar_subquery()
CUSTOMERS = select(
    Customer.id, Customer.user_id, Customer.email, Customer.name, Customer.locale, Customer.created_at, _orders.label("orders")
).order_by(Customer.id.desc())
CUSTOMER = CUSTOMERS.where(Customer.id == bindparam("customer_id"))
CUSTOMER_OF = select(Customer.id).where(Customer.user_id == bindparam("user_id"))
ORDERS = (
    select(Order.number, Order.placed_at, Order.state, Order.payment_state, Order.total_minor, Order.currency, *STANDING)
    .where(Order.customer_id == bindparam("customer_id"))
    .order_by(Order.placed_at.desc(), Order.id.desc())
    .limit(50)
)
ADDRESSES = (
    select(Address.id, Address.is_default, *(getattr(Address, name) for name in AddressValues.__dataclass_fields__))
    .where(Address.customer_id == bindparam("customer_id"))
    .order_by(Address.is_default.desc(), Address.id.desc())
    .limit(100)
)
HOLDERS = select(User.role, func.count().label("users")).group_by(User.role)
OWN_ROLES = select(Role.code, Role.name, Role.permissions, Role.version).order_by(Role.name, Role.code)


@dataclass(frozen=True, slots=True)
class RoleView:
    """A role: ``is_own`` the shop made itself, the others came with it and stay as they are."""

    code: str
    name: str
    permissions: tuple[str, ...]
    users: int
    version: int
    is_own: bool


def list_users(*, search: str = "", role: str = "", locked: bool = False, cursor: str | None = None) -> Page[Row[Any]]:
    """Everybody who can log in, newest first; ``search`` is the beginning of an e-mail or a part of a name."""
    wanted = USERS
    if search.strip():
        wanted = wanted.where(_matches(User, search.strip()))
    if role:
        wanted = wanted.where(User.role == role)
    if locked:
        wanted = wanted.where(User.locked_at.is_not(None))
    return _page(wanted, User.id, cursor)


def list_customers(*, search: str = "", cursor: str | None = None) -> Page[Row[Any]]:
    """Everybody who bought or registered, newest first."""
    wanted = CUSTOMERS.where(_matches(Customer, search.strip())) if search.strip() else CUSTOMERS
    return _page(wanted, Customer.id, cursor)


def _matches(table: Any, words: str) -> Any:
    folded = func.casefold(table.name) if is_sqlite() else func.lower(table.name)
    named = folded.contains(words.casefold() if is_sqlite() else words.lower(), autoescape=True)
    return or_(table.email.startswith(words.lower(), autoescape=True), named)


def _page(wanted: Any, key: Any, cursor: str | None) -> Page[Row[Any]]:
    if cursor:
        wanted = wanted.where(key < decode_cursor(cursor, int)[0])
    found = rows(wanted.limit(PAGE + 1))
    return Page(found[:PAGE], encode_cursor(found[PAGE - 1].id) if len(found) > PAGE else None)


def get_user(user_id: int) -> Row[Any]:
    """Somebody who can log in.

    Raises:
        NotFound: there is no such user.
    """
    found = row(USER, user_id=user_id)
    if found is None:
        raise NotFound("There is no such user.")
    return found


def find_customer_of(user_id: int) -> int | None:
    """The customer that this user is."""
    found = row(CUSTOMER_OF, user_id=user_id)
    return found.id if found else None


def get_customer(customer_id: int) -> Row[Any]:
    """Somebody who buys.

    Raises:
        NotFound: there is no such customer.
    """
    found = row(CUSTOMER, customer_id=customer_id)
    if found is None:
        raise NotFound("There is no such customer.")
    return found


def list_orders_of(customer_id: int) -> Sequence[Row[Any]]:
    """The newest orders of a customer."""
    return rows(ORDERS, customer_id=customer_id)


def list_addresses_of(customer_id: int) -> list[tuple[Row[Any], AddressValues]]:
    """The address book of a customer, the usual one first."""
    names = AddressValues.__dataclass_fields__
    return [(found, AddressValues(**{name: getattr(found, name) for name in names})) for found in rows(ADDRESSES, customer_id=customer_id)]


def list_roles() -> list[RoleView]:
    """Those that came with the shop, then its own."""
    users = {found.role: found.users for found in rows(HOLDERS)}
    given = [
        RoleView(code, str(NAMES[code]), tuple(name for name in PERMISSIONS if name in held), users.get(code, 0), 0, is_own=False)
        for code, held in BUILT_IN.items()
    ]
    own = [
        RoleView(found.code, found.name, tuple(found.permissions), users.get(found.code, 0), found.version, is_own=True)
        for found in rows(OWN_ROLES)
    ]
    return given + own


def get_role(code: str) -> RoleView:
    """One role.

    Raises:
        NotFound: there is no such role.
    """
    for role in list_roles():
        if role.code == code:
            return role
    raise NotFound("There is no such role.")
