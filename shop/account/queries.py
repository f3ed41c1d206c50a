"""Reads for the account's pages."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Row, bindparam, select

from shop.customer.models import Address, Customer
from shop.customer.values import AddressValues
from shop.db import row, rows
from shop.errors import NotFound
from shop.media.models import Image
from shop.order.models import OrderLine

PICTURES_SHOWN = 4
PICTURES = (
    select(OrderLine.order_id, OrderLine.name, Image.hash, Image.width, Image.height, Image.widths)
    .join(Image, Image.id == OrderLine.image_id)
    .where(OrderLine.order_id.in_(bindparam("order_ids", expanding=True)))
    .order_by(OrderLine.order_id, OrderLine.position)
)
_address = select(Address.id, Address.is_default, *(getattr(Address, name) for name in AddressValues.__dataclass_fields__)).join(
    Customer, Customer.id == Address.customer_id
)
ADDRESSES = _address.where(Customer.user_id == bindparam("user_id")).order_by(Address.is_default.desc(), Address.id.desc())
ADDRESS = _address.where(Customer.user_id == bindparam("user_id"), Address.id == bindparam("address_id"))


@dataclass(frozen=True, slots=True)
class SavedAddress:
    """An address in the book."""

    id: int
    is_default: bool
    values: AddressValues


@dataclass(frozen=True, slots=True)
class LinePicture:
    """A picture of something that was ordered, as the macro ``picture`` takes it."""

    name: str
    hash: str
    width: int
    height: int
    widths: tuple[int, ...]


def list_pictures(order_ids: Sequence[int]) -> dict[int, list[LinePicture]]:
    """The first few pictures of each order's goods; one statement for all orders."""
    found: dict[int, list[LinePicture]] = {order_id: [] for order_id in order_ids}
    if not order_ids:
        return found
    for line in rows(PICTURES, order_ids=list(order_ids)):
        if len(found[line.order_id]) < PICTURES_SHOWN:
            found[line.order_id].append(LinePicture(line.name, line.hash, line.width, line.height, _widths(line.widths)))
    return found


def _widths(text: str) -> tuple[int, ...]:
    return tuple(int(width) for width in text.split())


def list_saved_addresses(user_id: int) -> list[SavedAddress]:
    """This member's addresses, the usual one first."""
    return [_saved(found) for found in rows(ADDRESSES, user_id=user_id)]


def get_saved_address(address_id: int, *, user_id: int) -> SavedAddress:
    """One of this member's addresses.

    Raises:
        NotFound: there is none, or it is somebody else's.
    """
    found = row(ADDRESS, user_id=user_id, address_id=address_id)
    if found is None:
        raise NotFound
    return _saved(found)


def _saved(found: Row[Any]) -> SavedAddress:
    values = {name: found._mapping[name] for name in AddressValues.__dataclass_fields__}  # noqa: SLF001 - SQLAlchemy's public name
    return SavedAddress(found.id, found.is_default, AddressValues(**values))
