"""What lists know of goods stays right when several write at once. On SQLite writers queue; PostgreSQL is where this could go wrong."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor

from sqlalchemy import select

from shop.catalog.listing import refresh_availability, refresh_listing
from shop.catalog.models import CategoryProduct, Product
from shop.db import scalar, transaction
from shop.inventory.services import take_stock
from tests.factories import NOON, make_category, make_product

PAUSE_S = 0.2


def sell(app, variant_id, product_id, refresh):
    with app.app_context(), transaction():
        take_stock([(variant_id, 1)], reference="BD-1", actor="customer", at=NOON)
        time.sleep(PAUSE_S)
        refresh([product_id], at=NOON)
        time.sleep(PAUSE_S)


def test_the_last_pieces_of_two_variants_sold_at_once_leave_the_product_sold_out(context):
    mug = make_product(stock=1, options={"Color": ["Sage", "Cream"]}, categories=[make_category()])

    with ThreadPoolExecutor(2) as pool:
        for done in [
            pool.submit(sell, context, variant_id, mug.id, refresh)
            for variant_id, refresh in zip(mug.variant_ids, (refresh_availability, refresh_listing), strict=True)
        ]:
            done.result()

    assert not scalar(select(Product.available).where(Product.id == mug.id))
    assert not scalar(select(CategoryProduct.available).where(CategoryProduct.product_id == mug.id))
