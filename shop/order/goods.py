"""Goods of an order that are put back on the shelf when the customer's money goes back."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import cast

from flask_babel import gettext as _
from sqlalchemy import Table, bindparam, case, func, select, update

from shop.catalog.listing import refresh_availability
from shop.catalog.models import Variant
from shop.db import connection, transaction
from shop.errors import Invalid
from shop.inventory.models import Reason
from shop.inventory.services import give_back_stock
from shop.order.models import Order, OrderLine
from shop.order.returns.models import ReturnLine, ReturnRequest
from shop.order.returns.queries import HANDED_OVER
from shop.order.returns.states import UNDER_WAY

lines, orders = cast("Table", OrderLine.__table__), cast("Table", Order.__table__)
_state = select(orders.c.fulfillment_state).where(orders.c.id == lines.c.order_id).scalar_subquery()
_with_customer = case(  # as ``sent_pieces``: what is collected never travels in a parcel
    (_state.in_(HANDED_OVER) & lines.c.requires_shipping, lines.c.quantity - lines.c.canceled_quantity), else_=lines.c.shipped_quantity
)
_announced = (
    select(func.coalesce(func.sum(ReturnLine.quantity), 0))
    .join(ReturnRequest, ReturnRequest.id == ReturnLine.return_id)
    .where(ReturnLine.order_line_id == lines.c.id, ReturnRequest.state.in_(UNDER_WAY))
    .scalar_subquery()
)
TAKE_BACK = (
    update(lines)
    .where(
        lines.c.id == bindparam("line_id"),
        lines.c.order_id == bindparam("order"),
        lines.c.returned_quantity + bindparam("pieces") + _announced <= _with_customer,
    )
    .values(returned_quantity=lines.c.returned_quantity + bindparam("pieces"))
    .returning(lines.c.variant_id)
)


def take_back_goods(order_id: int, pieces: Mapping[int, int], *, reference: str, by: str, at: datetime) -> None:
    """Pieces by order line are on the shelf again; only what had left can come back, each piece once, and what a return announces
    comes back by that return.

    Raises:
        Invalid: so many pieces of a line are not with the customer.
    """
    with transaction():
        back = []
        for line_id, count in sorted(pieces.items()):
            found = connection().execute(TAKE_BACK, {"line_id": line_id, "order": order_id, "pieces": count}).first()
            if found is None:
                raise Invalid(
                    {"/lines": [_("So many pieces of that line are not with the customer, so they cannot come back to the shelf.")]}
                )
            if found.variant_id is not None:
                back.append((found.variant_id, count))
        if back:
            give_back_stock(back, reason=Reason.RETURN, reference=reference, actor=by, at=at)
            _refresh([variant_id for variant_id, _count in back], at)


def _refresh(variants: list[int], at: datetime) -> None:
    products = connection().execute(select(Variant.product_id).where(Variant.id.in_(variants))).scalars()
    refresh_availability(set(products), at=at)
