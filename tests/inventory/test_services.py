from __future__ import annotations

from typing import Any

import pytest
from flask import Flask
from sqlalchemy import delete, event, func, select

from shop.db import db, row, rows, transaction
from shop.errors import Invalid, OutOfStock
from shop.inventory.models import Reason, StockItem, StockMovement
from shop.inventory.services import StockLeft, give_back_stock, set_stock, take_stock
from tests.factories import NOON, make_product


def on_hand(variant_id: int) -> int:
    return row(select(StockItem.on_hand).where(StockItem.variant_id == variant_id))[0]


def ledger(variant_id: int) -> list[tuple[int, str, str, str]]:
    columns = (StockMovement.delta, StockMovement.reason, StockMovement.reference, StockMovement.actor)
    return [tuple(found) for found in rows(select(*columns).where(StockMovement.variant_id == variant_id).order_by(StockMovement.id))]


def assert_ledger_agrees() -> None:
    summed = select(StockMovement.variant_id, func.sum(StockMovement.delta).label("pieces")).group_by(StockMovement.variant_id).subquery()
    wrong = (
        select(StockItem.variant_id, StockItem.on_hand, summed.c.pieces)
        .outerjoin(summed, summed.c.variant_id == StockItem.variant_id)
        .where(StockItem.on_hand != func.coalesce(summed.c.pieces, 0))
    )
    assert rows(wrong) == []


def take(*wanted: tuple[int, int]) -> list[StockLeft]:
    return take_stock(wanted, reference="BD-1", actor="customer", at=NOON)


def test_taking_leaves_the_rest_and_says_why(context: Flask) -> None:
    mug, bowl = make_product(stock=10), make_product("Bowl", stock=3)

    left = take((bowl.variant_id, 1), (mug.variant_id, 4))

    assert left == [StockLeft(mug.variant_id, 6, 3), StockLeft(bowl.variant_id, 2, 3)]
    assert [item.is_few for item in left] == [False, True]
    assert ledger(mug.variant_id) == [(10, "delivery", "", "ana@example.com"), (-4, "sale", "BD-1", "customer")]
    assert_ledger_agrees()


def test_a_sold_out_item_blocks_the_whole_order(context: Flask) -> None:
    mug, bowl, lamp = make_product(stock=10), make_product("Bowl", stock=2), make_product("Lamp", stock=0)

    with pytest.raises(OutOfStock) as refusal:
        take((mug.variant_id, 1), (bowl.variant_id, 3), (lamp.variant_id, 1))

    assert refusal.value.extras["lines"] == [
        {"variant_id": bowl.variant_id, "wanted": 3, "available": 2},
        {"variant_id": lamp.variant_id, "wanted": 1, "available": 0},
    ]
    assert (on_hand(mug.variant_id), on_hand(bowl.variant_id)) == (10, 2)
    assert_ledger_agrees()


def test_the_same_variant_on_two_lines_is_summed(context: Flask) -> None:
    mug = make_product(stock=5)

    with pytest.raises(OutOfStock) as refusal:
        take((mug.variant_id, 3), (mug.variant_id, 3))
    take((mug.variant_id, 2), (mug.variant_id, 3))

    assert refusal.value.extras["lines"] == [{"variant_id": mug.variant_id, "wanted": 6, "available": 5}]
    assert ledger(mug.variant_id)[1:] == [(-5, "sale", "BD-1", "customer")]


def test_what_nobody_counts_passes_and_leaves_no_trace(context: Flask) -> None:
    voucher, mug, forgotten = make_product("Voucher", stock=None), make_product(stock=2), make_product("Forgotten", stock=0)
    with transaction() as session:
        session.execute(delete(StockItem).where(StockItem.variant_id == forgotten.variant_id))

    left = take((voucher.variant_id, 500), (mug.variant_id, 1), (forgotten.variant_id, 7))

    assert left == [StockLeft(mug.variant_id, 1, 3)]
    assert ledger(voucher.variant_id) == []
    assert_ledger_agrees()


@pytest.mark.parametrize("pieces", [0, -1])
def test_pieces_are_one_or_more(context: Flask, pieces: int) -> None:
    mug = make_product()

    with pytest.raises(ValueError, match="one or more"):
        take((mug.variant_id, pieces))
    with pytest.raises(ValueError, match="one or more"):
        give_back_stock([(mug.variant_id, pieces)], reason="return", reference="", actor="", at=NOON)


def test_nothing_wanted_is_nothing_done(context: Flask) -> None:
    assert take() == []
    assert give_back_stock([], reason="return", reference="", actor="", at=NOON) == []


@pytest.mark.parametrize("lines", [1, 2, 30])
def test_any_number_of_lines_costs_two_statements(context: Flask, lines: int) -> None:
    made = [make_product(f"Thing {number}", stock=5) for number in range(lines)]
    seen: list[str] = []
    event.listen(db.engine, "before_cursor_execute", lambda *args: seen.append(args[2]))

    take(*((product.variant_id, 1) for product in made))

    assert len([statement for statement in seen if "BEGIN" not in statement]) == 2


def test_giving_back_puts_on_the_shelf_what_was_taken(context: Flask) -> None:
    mug, voucher = make_product(stock=5), make_product("Voucher", stock=None)
    take((mug.variant_id, 4), (voucher.variant_id, 1))

    left = give_back_stock(
        [(mug.variant_id, 3), (mug.variant_id, 1), (voucher.variant_id, 1), (10**9, 1)],
        reason=Reason.CANCELLATION,
        reference="BD-1",
        actor="ana@example.com",
        at=NOON,
    )

    assert left == [StockLeft(mug.variant_id, 5, 3)]
    assert ledger(mug.variant_id)[-1] == (4, "cancellation", "BD-1", "ana@example.com")
    assert_ledger_agrees()


def test_setting_stock_writes_the_difference(context: Flask) -> None:
    mug = make_product(stock=5)

    assert set_stock(mug.variant_id, 12, reason="count", actor="ana@example.com", at=NOON).on_hand == 12
    set_stock(mug.variant_id, 12, reason="count", actor="ana@example.com", at=NOON)
    set_stock(mug.variant_id, 0, reason=Reason.CORRECTION, actor="ana@example.com", at=NOON)

    assert [(delta, reason) for delta, reason, _, _ in ledger(mug.variant_id)] == [(5, "delivery"), (7, "count"), (-12, "correction")]
    assert_ledger_agrees()


def test_setting_stock_of_what_had_none_begins_to_count_it(context: Flask) -> None:
    mug = make_product(stock=None)
    with transaction() as session:
        session.execute(delete(StockItem))

    set_stock(mug.variant_id, 3, reason="delivery", actor="", at=NOON)

    assert take((mug.variant_id, 3))[0].on_hand == 0


def test_setting_stock_may_begin_or_stop_to_count(context: Flask) -> None:
    mug = make_product(stock=2)

    set_stock(mug.variant_id, 2, reason="correction", actor="", at=NOON, is_tracked=False)
    assert take((mug.variant_id, 50)) == []
    set_stock(mug.variant_id, 2, reason="correction", actor="", at=NOON, is_tracked=True)

    with pytest.raises(OutOfStock):
        take((mug.variant_id, 50))


@pytest.mark.parametrize("pieces", [-1, 10**9 + 1, 2**63])
def test_a_number_that_no_shelf_holds_is_refused(context: Flask, pieces: int) -> None:
    mug = make_product(stock=5)

    with pytest.raises(Invalid):
        set_stock(mug.variant_id, pieces, reason="count", actor="", at=NOON)

    assert on_hand(mug.variant_id) == 5


def test_the_database_itself_refuses_to_sell_what_is_not_there(context: Flask) -> None:
    from sqlalchemy.exc import IntegrityError

    mug = make_product(stock=1)

    def oversell() -> Any:
        with transaction() as session:
            session.execute(StockItem.__table__.update().where(StockItem.variant_id == mug.variant_id).values(on_hand=-1))

    with pytest.raises(IntegrityError):
        oversell()


def test_of_an_order_no_more_comes_back_than_it_took(context: Flask) -> None:
    """Source: a refund that puts goods back twice, and one of goods that nobody counted when they were sold."""
    mug, voucher = make_product(stock=10), make_product("Voucher", stock=None)
    take_stock([(mug.variant_id, 3), (voucher.variant_id, 2)], reference="BD-1", actor="customer", at=NOON)
    set_stock(voucher.variant_id, 5, reason="count", actor="ana@example.com", at=NOON, is_tracked=True)

    for _ in range(3):
        back = [(mug.variant_id, 2), (voucher.variant_id, 2)]
        give_back_stock(back, reason="return", reference="BD-1", actor="ana@example.com", at=NOON)

    assert (on_hand(mug.variant_id), on_hand(voucher.variant_id)) == (10, 5)
    assert_ledger_agrees()


def test_what_was_counted_when_it_was_sold_comes_back_though_nobody_counts_any_more(context: Flask) -> None:
    mug = make_product(stock=10)
    take_stock([(mug.variant_id, 3)], reference="BD-1", actor="customer", at=NOON)
    set_stock(mug.variant_id, 7, reason="count", actor="ana@example.com", at=NOON, is_tracked=False)

    give_back_stock([(mug.variant_id, 3)], reason="cancellation", reference="BD-1", actor="shop", at=NOON)

    assert on_hand(mug.variant_id) == 10
    assert_ledger_agrees()
