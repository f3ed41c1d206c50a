"""Orders move by the tables only; each move leaves an entry and an event."""

from __future__ import annotations

from datetime import timedelta
from itertools import product

import pytest
from sqlalchemy import func, select

from shop.audit.services import run_audit
from shop.catalog.models import Product
from shop.db import row, rows, scalar
from shop.errors import IllegalMove, Invalid, NotFound
from shop.inventory.models import Reason, StockItem, StockMovement
from shop.order.models import FulfillmentState, Order, OrderState, PaymentState
from shop.order.queries import get_order
from shop.order.services import cancel_order, mark_delivered, mark_packed, record_entry, record_payment_state, ship_order
from shop.order.states import AGREEMENT, GOODS, MONEY, WORDS, check_move
from shop.outbox.models import Event
from tests.factories import NOON, make_product
from tests.orders import ADDRESS, make_order

ANA = "ana@bodega.example"


def states(order: Order) -> tuple[str, str, str]:
    return tuple(row(select(Order.state, Order.payment_state, Order.fulfillment_state).where(Order.id == order.id)))


def kinds(order: Order) -> list[str]:
    return [entry.kind for entry in get_order(order.number).entries]


def events() -> list[str]:
    return [found.kind for found in rows(select(Event.kind).order_by(Event.id))]


def test_from_paid_to_delivered(context):
    order = make_order()

    record_payment_state(order.id, PaymentState.PAID, by=ANA, at=NOON)
    mark_packed(order.id, by=ANA, at=NOON)
    ship_order(order.id, carrier="Correos", tracking_number="PK123", tracking_url="https://track.example/PK123", by=ANA, at=NOON)
    mark_delivered(order.id, by=ANA, at=NOON)

    assert states(order) == ("completed", "paid", "delivered")
    assert kinds(order) == ["paid", "packed", "shipped", "delivered"]
    assert events() == ["order.placed", "order.paid", "order.packed", "order.shipped", "order.delivered"]
    parcel = get_order(order.number).parcels[0]
    assert (parcel.carrier, parcel.tracking_number, parcel.delivered_at) == ("Correos", "PK123", NOON)


def test_parts_leave_one_after_the_other(context):
    order = make_order([(make_product("Mug", stock=9), 3), (make_product("Lamp", stock=9), 1)])
    mugs, _lamp = get_order(order.number).lines

    ship_order(order.id, [(mugs.id, 2)], by=ANA, at=NOON)
    assert states(order)[2] == "partly_shipped"
    ship_order(order.id, by=ANA, at=NOON)

    assert states(order)[2] == "shipped"
    assert [[(line.name, pieces) for line, pieces in parcel.pieces] for parcel in get_order(order.number).parcels] == [
        [("Mug", 2)],
        [("Mug", 1), ("Lamp", 1)],
    ]


@pytest.mark.parametrize("pieces", [[(0, 1)], [("mug", 4)], [("mug", 0)], [("mug", -1)], [("mug", 1), ("mug", 1)]])
def test_more_than_there_is_cannot_leave(context, pieces):
    order = make_order([(make_product(stock=9), 3)])
    line = get_order(order.number).lines[0]

    with pytest.raises(Invalid):
        ship_order(order.id, [(line.id if name == "mug" else name, count) for name, count in pieces], by=ANA, at=NOON)

    assert get_order(order.number).parcels == ()


def test_canceling_gives_the_stock_back_with_a_reason(context):
    mug = make_product(stock=2)
    order = make_order([(mug, 2)])
    assert not scalar(select(Product.available).where(Product.id == mug.id))

    cancel_order(order.id, by="customer", note="Changed my mind", at=NOON)

    assert states(order)[0] == "canceled"
    assert scalar(select(StockItem.on_hand).where(StockItem.variant_id == mug.variant_id)) == 2
    assert row(select(StockMovement.delta, StockMovement.reference).where(StockMovement.reason == Reason.CANCELLATION)) == (2, order.number)
    assert scalar(select(Product.available).where(Product.id == mug.id))
    assert get_order(order.number).entries[0].note == "Changed my mind"
    with pytest.raises(IllegalMove):
        cancel_order(order.id, by="customer", at=NOON)
    assert scalar(select(func.sum(StockMovement.delta))) == 2


def test_what_has_left_cannot_be_canceled(context):
    order = make_order([(make_product(stock=9), 2)])
    ship_order(order.id, [(get_order(order.number).lines[0].id, 1)], by=ANA, at=NOON)

    with pytest.raises(IllegalMove, match="partly shipped"):
        cancel_order(order.id, by="customer", at=NOON)


def test_a_canceled_order_goes_nowhere_but_its_money_may(context):
    order = make_order()
    cancel_order(order.id, by=ANA, at=NOON)

    for verb in (mark_packed, mark_delivered, ship_order):
        with pytest.raises(IllegalMove):
            verb(order.id, by=ANA, at=NOON)
    assert record_payment_state(order.id, PaymentState.PAID, by="shop", at=NOON)


def test_what_is_collected_is_delivered_from_the_counter(context):
    collected = make_order(shipping_method="pickup", shipping_address=None, billing_address=ADDRESS)
    sent = make_order()
    for order in (collected, sent):
        mark_packed(order.id, by=ANA, at=NOON)

    mark_delivered(collected.id, by=ANA, at=NOON)
    with pytest.raises(IllegalMove):
        mark_delivered(sent.id, by=ANA, at=NOON)

    assert states(collected)[2] == "delivered"


def test_the_same_payment_state_twice_is_said_once(context):
    order = make_order()

    assert record_payment_state(order.id, PaymentState.PAID, by=ANA, at=NOON)
    assert not record_payment_state(order.id, PaymentState.PAID, by=ANA, at=NOON)

    assert events().count("order.paid") == 1


@pytest.mark.parametrize("moves", [AGREEMENT, MONEY, GOODS], ids=["agreement", "money", "goods"])
def test_every_move_that_no_table_holds_is_refused_with_the_legal_ones_named(context, moves):
    for now, to in product(moves, moves):
        if to in moves[now]:
            check_move(moves, now, to)
            continue
        with pytest.raises(IllegalMove) as caught:
            check_move(moves, now, to)
        assert caught.value.extras == {"state": now.value, "legal": [move.value for move in moves[now]]}
        assert all(str(WORDS[move]) in caught.value.detail for move in moves[now])


def test_the_tables_know_every_state():
    assert set(AGREEMENT) == set(OrderState)
    assert set(MONEY) == set(PaymentState)
    assert set(GOODS) == set(FulfillmentState)


def test_an_order_that_is_not_there_is_not_found(context):
    with pytest.raises(NotFound):
        mark_packed(404, by=ANA, at=NOON)


def test_who_asked_earlier_and_writes_later_does_not_turn_history_back(context):
    order = make_order()
    record_entry(order.id, "checking", by="shop", at=NOON + timedelta(seconds=2))
    record_entry(order.id, "paid", by="shop", at=NOON + timedelta(seconds=1))
    record_entry(order.id, "note", by=ANA, note="Hello", at=NOON + timedelta(seconds=3))

    entries = get_order(order.number).entries

    assert [(entry.kind, (entry.at - NOON).total_seconds()) for entry in entries] == [("checking", 2), ("paid", 2), ("note", 3)]
    assert [result.rule for result in run_audit(at=NOON + timedelta(days=1)).broken if result.rule == "I17"] == []


def test_staff_writes_notes_on_the_timeline(context):
    order = make_order()

    record_entry(order.id, "note", by=ANA, note="Called; comes on Friday", at=NOON)

    assert [(entry.actor, entry.note) for entry in get_order(order.number).entries] == [(ANA, "Called; comes on Friday")]
