"""Many buyers at once, in threads on a real database: nobody gets what is not there, nobody waits for ever."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

from flask import Flask
from sqlalchemy import delete

from shop.db import transaction
from shop.errors import OutOfStock
from shop.inventory.models import StockItem
from shop.inventory.services import give_back_stock, set_stock, take_stock
from tests.factories import NOON, make_product
from tests.inventory.test_services import assert_ledger_agrees, on_hand

PATIENCE_S = 60


def all_at_once(app: Flask, acts: list[Callable[[], None]]) -> Counter[str]:
    """Start all acts together, each in its own thread and context; counts what came of them."""
    start = Barrier(len(acts))

    def run(act: Callable[[], None]) -> str:
        with app.app_context():
            start.wait(PATIENCE_S)
            try:
                act()
            except OutOfStock:
                return "out of stock"
            return "done"

    with ThreadPoolExecutor(len(acts)) as pool:
        return Counter(future.result(PATIENCE_S) for future in [pool.submit(run, act) for act in acts])


def buy(*wanted: tuple[int, int]) -> Callable[[], None]:
    return lambda: take_stock(wanted, reference="BD-1", actor="customer", at=NOON) and None


def test_ten_pieces_for_forty_buyers_make_ten_sales(context: Flask) -> None:
    mug = make_product(stock=10)

    outcomes = all_at_once(context, [buy((mug.variant_id, 1)) for _ in range(40)])

    assert outcomes == {"done": 10, "out of stock": 30}
    assert on_hand(mug.variant_id) == 0
    assert_ledger_agrees()


def test_orders_of_many_lines_in_any_order_never_lock_each_other_out(context: Flask) -> None:
    goods = [make_product(f"Thing {number}", stock=15).variant_id for number in range(12)]
    dice = random.Random(7)

    def basket() -> list[tuple[int, int]]:
        chosen = [(variant_id, dice.randint(1, 2)) for variant_id in dice.sample(goods, 8)]
        dice.shuffle(chosen)
        return chosen

    for _ in range(3):
        outcomes = all_at_once(context, [buy(*basket()) for _ in range(12)])
        assert sum(outcomes.values()) == 12

    assert all(on_hand(variant_id) >= 0 for variant_id in goods)
    assert_ledger_agrees()


def test_cancellations_between_sales_lose_no_piece(context: Flask) -> None:
    goods = [make_product(f"Thing {number}", stock=20).variant_id for number in range(4)]
    everything = [(variant_id, 1) for variant_id in goods]

    def swing() -> None:
        take_stock(everything, reference="BD-1", actor="customer", at=NOON)
        give_back_stock(everything[::-1], reason="cancellation", reference="BD-1", actor="shop", at=NOON)

    outcomes = all_at_once(context, [swing for _ in range(16)])

    assert outcomes == {"done": 16}
    assert [on_hand(variant_id) for variant_id in goods] == [20] * 4
    assert_ledger_agrees()


def test_two_who_count_a_variant_for_the_first_time_both_go_on(context: Flask) -> None:
    mug = make_product(stock=0)
    with transaction() as session:
        session.execute(delete(StockItem))

    def count(pieces: int) -> Callable[[], None]:
        return lambda: set_stock(mug.variant_id, pieces, reason="count", actor="ana@example.com", at=NOON) and None

    outcomes = all_at_once(context, [count(pieces) for pieces in range(1, 11)])

    assert outcomes == {"done": 10}
    assert on_hand(mug.variant_id) in range(1, 11)
    assert_ledger_agrees()
