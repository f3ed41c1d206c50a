"""Goods of an order that come back to the shelf with a refund: held when the money is set aside, shelved when it is back, free again when it is refused."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import cast

from flask_babel import gettext as _
from sqlalchemy import Table, bindparam, select, update

from shop.catalog.listing import refresh_availability
from shop.catalog.models import Variant
from shop.db import connection, transaction
from shop.errors import Invalid
from shop.inventory.models import Reason
from shop.inventory.services import give_back_stock
from shop.order.models import OrderLine
from shop.order.reckoning import reckon_lines

lines = cast("Table", OrderLine.__table__)
COUNT = update(lines).where(lines.c.id == bindparam("line_id")).values(returned_quantity=lines.c.returned_quantity + bindparam("pieces"))


def hold_goods(order_id: int, pieces: Mapping[int, int]) -> None:
    """Pieces by order line are to be back with a refund: only what had left can come back, each piece once, and what a return announces comes back by
    that return. The caller holds the order.

    Raises:
        Invalid: so many pieces of a line are not with the customer.
    """
    accounts = reckon_lines(order_id)
    if any(line_id not in accounts or count > accounts[line_id].may_return for line_id, count in pieces.items()):
        raise Invalid({"/lines": [_("So many pieces of that line are not with the customer, so they cannot come back to the shelf.")]})
    _count(pieces, 1)


def shelve_goods(order_id: int, pieces: Mapping[int, int], *, reference: str, by: str, at: datetime) -> None:
    """What was held is on the shelf; goods that are no longer in the catalog have none."""
    accounts = reckon_lines(order_id)
    known = [(accounts[line_id].variant_id, count) for line_id, count in sorted(pieces.items())]
    back = [(variant_id, count) for variant_id, count in known if variant_id is not None]
    if back:
        with transaction():
            give_back_stock(back, reason=Reason.RETURN, reference=reference, actor=by, at=at)
            _refresh([variant_id for variant_id, _pieces in back], at)


def release_goods(pieces: Mapping[int, int]) -> None:
    """No money went back, so what was held for it stays with the customer."""
    _count(pieces, -1)


def _count(pieces: Mapping[int, int], sign: int) -> None:
    with transaction():
        connection().execute(COUNT, [{"line_id": line_id, "pieces": sign * count} for line_id, count in sorted(pieces.items())])


def _refresh(variants: list[int], at: datetime) -> None:
    products = connection().execute(select(Variant.product_id).where(Variant.id.in_(variants))).scalars()
    refresh_availability(set(products), at=at)
