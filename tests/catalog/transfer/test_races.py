"""An import beside a sale. On SQLite writers queue; PostgreSQL is where the two could wait for each other."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor

from flask import Flask
from sqlalchemy import select, update

from shop.catalog.listing import refresh_availability
from shop.catalog.models import Product, Variant
from shop.catalog.transfer.importer import import_file
from shop.db import scalar, transaction
from shop.inventory.models import StockItem
from shop.inventory.services import take_stock
from tests.factories import NOON

HEAD = "Handle,Title,Option1 Name,Option1 Value,Variant SKU,Variant Price,Variant Inventory Qty,Status,Published\n"
PAUSE_S = 0.3


def test_an_import_waits_for_the_sale_of_a_last_piece(context: Flask, bring, tmp_path) -> None:
    bring(HEAD + "mug,Mug,Title,Default Title,M-1,14.50,1,active,true\n")
    variant_id, product_id = scalar(select(Variant.id)), scalar(select(Product.id))
    with transaction() as session:
        session.execute(update(StockItem).values(on_hand=1, is_tracked=True))
    again = tmp_path / "again.csv"
    again.write_text(HEAD + "mug,Blue mug,Title,Default Title,M-1,14.50,1,active,true\n", "utf-8")

    def sell() -> None:
        with context.app_context(), transaction():
            take_stock([(variant_id, 1)], reference="BD-1", actor="customer", at=NOON)
            time.sleep(2 * PAUSE_S)
            refresh_availability([product_id], at=NOON)

    def import_again() -> None:
        time.sleep(PAUSE_S)
        with context.app_context():
            assert list(import_file(again, at=NOON).problems()) == []

    with ThreadPoolExecutor(2) as pool:
        for done in [pool.submit(sell), pool.submit(import_again)]:
            done.result(60)

    assert scalar(select(StockItem.on_hand)) in {0, 1}
