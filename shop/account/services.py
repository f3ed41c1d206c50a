"""The verbs of the account that belong to no other feature: the address book."""

from __future__ import annotations

from datetime import datetime

from flask_babel import gettext as _
from sqlalchemy import delete, func, select, update
from sqlalchemy.orm import Session

from shop.customer.models import Address, Customer
from shop.customer.services import remember_customer
from shop.customer.values import AddressValues
from shop.db import transaction
from shop.errors import N_, Conflict, NotFound

KEPT_MOST = 50


class BookFull(Conflict):
    """The address book holds as many as it can."""

    slug, title = "address-book-full", N_("The address book is full")


def add_address(values: AddressValues, *, user_id: int, email: str, locale: str, is_default: bool, at: datetime) -> int:
    """A new address in the book; the first one is the usual one. Gives its id.

    Raises:
        BookFull: there are fifty already.
    """
    remember_customer(user_id=user_id, email=email, name=values.name, locale=locale, at=at)
    with transaction() as session:
        customer_id = _claim(session, user_id)
        count = session.execute(select(func.count()).where(Address.customer_id == customer_id)).scalar_one()
        if count >= KEPT_MOST:
            raise BookFull(_("Delete an address that you no longer need, then add this one."))
        address = Address(customer_id=customer_id, is_default=False, **values.dump())
        session.add(address)
        session.flush()
        if is_default or not count:
            _make_default(session, customer_id, address.id)
        return address.id


def change_address(address_id: int, values: AddressValues, *, user_id: int, is_default: bool) -> None:
    """Write an address anew. Orders keep the one they were placed with.

    Raises:
        NotFound: there is none, or it is somebody else's.
    """
    with transaction() as session:
        customer_id = _claim(session, user_id)
        changed = session.execute(
            update(Address).where(Address.id == address_id, Address.customer_id == customer_id).values(**values.dump())
        )
        if not changed.rowcount:  # type: ignore[attr-defined]
            raise NotFound
        if is_default:
            _make_default(session, customer_id, address_id)


def choose_default_address(address_id: int, *, user_id: int) -> None:
    """The address that checkout offers first.

    Raises:
        NotFound: there is none, or it is somebody else's.
    """
    with transaction() as session:
        customer_id = _claim(session, user_id)
        owned = select(Address.id).where(Address.id == address_id, Address.customer_id == customer_id)
        if session.execute(owned).scalar() is None:
            raise NotFound
        _make_default(session, customer_id, address_id)


def delete_address(address_id: int, *, user_id: int) -> None:
    """Take an address out of the book; the newest becomes the usual one if that was it.

    Raises:
        NotFound: there is none, or it is somebody else's.
    """
    with transaction() as session:
        customer_id = _claim(session, user_id)
        was_default = session.execute(
            delete(Address).where(Address.id == address_id, Address.customer_id == customer_id).returning(Address.is_default)
        ).scalar()
        if was_default is None:
            raise NotFound
        if was_default:
            latest = select(Address.id).where(Address.customer_id == customer_id).order_by(Address.id.desc()).limit(1)
            next_one = session.execute(latest).scalar()
            if next_one is not None:
                _make_default(session, customer_id, next_one)


def _claim(session: Session, user_id: int) -> int:
    """Hold the customer's row until the end, so that two tabs change the book one after the other; gives its id.

    Raises:
        NotFound: this user never had a customer's row, and so no addresses.
    """
    customer_id = session.execute(
        update(Customer).where(Customer.user_id == user_id).values(user_id=user_id).returning(Customer.id)
    ).scalar()
    if customer_id is None:
        raise NotFound
    return customer_id


def _make_default(session: Session, customer_id: int, address_id: int) -> None:
    session.execute(update(Address).where(Address.customer_id == customer_id).values(is_default=Address.id == address_id))
