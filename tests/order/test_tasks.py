"""What follows an order by itself."""

from __future__ import annotations

from sqlalchemy import select

from shop.catalog.models import Product
from shop.clock import now
from shop.db import scalar
from shop.order.services import cancel_order
from shop.order.tasks import count_sold
from shop.outbox import Happened
from shop.outbox.courier import deliver_due
from tests.factories import NOON, make_product
from tests.orders import make_order


def sold(product) -> int:
    return int(scalar(select(Product.sold_count).where(Product.id == product.id)))


def test_bestsellers_are_counted_from_orders_and_what_was_canceled_is_not(context):
    mug, lamp = make_product("Mug"), make_product("Lamp")
    make_order([(mug, 2), (lamp, 1)])
    second = make_order([(mug, 3)])

    deliver_due(at=now())
    assert (sold(mug), sold(lamp)) == (5, 1)

    cancel_order(second.id, by="shop", at=NOON)
    deliver_due(at=now())
    assert (sold(mug), sold(lamp)) == (2, 1)


def test_hearing_of_an_order_twice_counts_it_once(context):
    mug = make_product("Mug")
    order = make_order([(mug, 2)])
    event = Happened(1, "order.placed", f"order:{order.id}", {"order_id": order.id}, NOON)

    count_sold(event)
    count_sold(event)

    assert sold(mug) == 2
