"""Lists of orders, newest first: a member's own here, those of staff in ``worklist``."""

from __future__ import annotations

from datetime import datetime
from typing import Any, cast

from flask_babel import gettext as _
from sqlalchemy import Row, Select, Table, bindparam, func, select, tuple_

from shop.db import rows
from shop.errors import Invalid
from shop.order.models import Order, OrderAddress, OrderLine
from shop.order.standing import STANDING
from shop.web.pagination import Page, decode_cursor, encode_cursor

PAGE_MOST = 100
_orders = cast("Table", Order.__table__)
_name = (
    select(OrderAddress.name)
    .where(OrderAddress.order_id == _orders.c.id)
    .order_by(OrderAddress.kind.desc())
    .limit(1)
    .correlate(_orders)
    .scalar_subquery()
)
_pieces = (
    select(func.sum(OrderLine.quantity - OrderLine.canceled_quantity))
    .where(OrderLine.order_id == _orders.c.id)
    .correlate(_orders)
    .scalar_subquery()
)
LIST = select(
    _orders.c.id,
    _orders.c.number,
    _orders.c.email,
    _orders.c.placed_at,
    _orders.c.state,
    _orders.c.payment_state,
    _orders.c.fulfillment_state,
    _orders.c.payment_method,
    _orders.c.shipping_name,
    _orders.c.is_pickup,
    _orders.c.currency,
    _orders.c.total_minor,
    *STANDING,
    func.coalesce(_name, "").label("name"),
    func.coalesce(_pieces, 0).label("pieces"),
).order_by(_orders.c.placed_at.desc(), _orders.c.id.desc())


def list_orders(user_id: int, *, limit: int = 20, cursor: str | None = None) -> Page[Row[Any]]:
    """A member's own orders, newest first."""
    return page_of_orders(LIST.where(_orders.c.user_id == user_id), limit, cursor)


def page_of_orders(statement: Select[Any], limit: int, cursor: str | None) -> Page[Row[Any]]:
    """A page of ``LIST`` with conditions, newest first."""
    limit = max(1, min(limit, PAGE_MOST))
    if cursor:
        micros, last_id = decode_cursor(cursor, str, int)
        statement = statement.where(
            tuple_(_orders.c.placed_at, _orders.c.id) < tuple_(bindparam(None, moment_in(micros), type_=_orders.c.placed_at.type), last_id)
        )
    found = rows(statement.limit(limit + 1))
    has_more = len(found) > limit
    found = found[:limit]
    following = encode_cursor(found[-1].placed_at.isoformat(), found[-1].id) if has_more else None
    return Page(found, following)


def moment_in(text: str) -> datetime:
    """A moment out of a cursor.

    Raises:
        Invalid: it is none.
    """
    try:
        moment = datetime.fromisoformat(text)
        if moment.tzinfo is None:
            raise ValueError
    except ValueError:
        raise Invalid({"cursor": [_("This is not a place in the list. Start again without a cursor.")]}) from None
    return moment
