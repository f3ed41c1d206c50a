"""What must hold for every order, holds for those of the demo world."""

from __future__ import annotations

from collections import Counter, defaultdict
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select

from shop.catalog.models import Product, Variant
from shop.db import Base, rows
from shop.demo.build import Built
from shop.demo.stories import PLAN
from shop.inventory.models import StockItem, StockMovement
from shop.order.models import Adjustment, Order, OrderAddress, OrderEntry, OrderLine, Shipment, ShipmentLine
from shop.order.progress import next_sentence, steps
from shop.order.queries import get_order
from shop.outbox.models import Event
from shop.payment.models import Payment, Refund
from shop.payment.services import sweep_payments
from shop.pricing.rounding import round_half_up
from tests.demo.dumps import dump

NOW = datetime(2026, 11, 21, tzinfo=UTC)


def of_orders(model: type[Base], key: str = "order_id") -> dict[int, list[Any]]:
    found: defaultdict[int, list[Any]] = defaultdict(list)
    for record in rows(select(model.__table__).order_by(*model.__table__.primary_key.columns)):
        found[getattr(record, key)].append(record)
    return found


@pytest.fixture
def orders(world: Built) -> list[Any]:
    return list(rows(select(Order.__table__).order_by(Order.id)))


def test_all_kinds_of_orders_are_there(orders: list[Any]) -> None:
    assert len(orders) == sum(count for _, count, _, _ in PLAN) == 61
    assert all(order.is_demo for order in orders)
    assert {order.state for order in orders} == {"open", "completed", "canceled"}
    assert {order.payment_state for order in orders} == {"unpaid", "checking", "paid", "partly_refunded", "refunded"}
    assert {order.fulfillment_state for order in orders} == {"unfulfilled", "packed", "partly_shipped", "shipped", "delivered"}
    assert len({order.email for order in orders}) > 8
    assert {order.locale for order in orders} == {"en", "es"}
    assert {order.is_pickup for order in orders} == {True, False}
    assert len({order.number for order in orders}) == 61
    assert min(order.placed_at for order in orders) < datetime(2026, 9, 15, tzinfo=UTC)


def test_amounts_add_up_to_the_cent(orders: list[Any]) -> None:
    lines, adjustments = of_orders(OrderLine), of_orders(Adjustment)

    for order in orders:
        parts = [*lines[order.id], *adjustments[order.id]]
        assert order.subtotal_minor == sum(line.unit_price_minor * line.quantity for line in lines[order.id])
        assert order.total_minor == order.subtotal_minor + order.shipping_minor - order.discount_minor
        assert order.total_minor == sum(part.gross_minor for part in parts)
        assert order.tax_minor == sum(part.tax_minor for part in parts)
        for part in parts:
            assert part.tax_minor == round_half_up(part.gross_minor * part.tax_rate_ppm, 1_000_000 + part.tax_rate_ppm)
        is_home = order.shipping_method == "standard"
        if not order.is_pickup:
            assert order.shipping_minor == (0 if order.subtotal_minor >= (6000 if is_home else 12_000) else 490 if is_home else 990)


def test_the_ledger_explains_every_piece_and_never_falls_below_zero(orders: list[Any]) -> None:
    left: Counter[int] = Counter()
    moves = rows(select(StockMovement.__table__).order_by(StockMovement.id))

    for move in moves:
        left[move.variant_id] += move.delta
        assert left[move.variant_id] >= 0, move

    assert [move.at for move in moves] == sorted(move.at for move in moves)
    for level in rows(select(StockItem.variant_id, StockItem.on_hand)):
        assert left[level.variant_id] == level.on_hand
    per_order: Counter[tuple[str, int]] = Counter()
    for move in moves:
        if move.reference:
            per_order[move.reference, move.variant_id] -= move.delta
    lines = of_orders(OrderLine)
    for order in orders:
        for line in lines[order.id]:
            assert per_order[order.number, line.variant_id] == (0 if order.state == "canceled" else line.quantity)


def test_money_and_goods_stand_as_the_states_say(orders: list[Any]) -> None:
    payments, refunds, lines = of_orders(Payment), of_orders(Refund, "payment_id"), of_orders(OrderLine)
    parcels, contents = of_orders(Shipment), of_orders(ShipmentLine, "order_line_id")

    for order in orders:
        captured = sum(payment.captured_minor for payment in payments[order.id])
        given_back = sum(refund.amount_minor for payment in payments[order.id] for refund in refunds[payment.id])
        assert given_back == sum(payment.refunded_minor for payment in payments[order.id])
        expected = {
            "unpaid": (0, 0),
            "checking": (0, 0),
            "paid": (order.total_minor, 0),
            "refunded": (order.total_minor, order.total_minor),
            "partly_refunded": (order.total_minor, given_back),
        }
        assert (captured, given_back) == expected[order.payment_state]
        assert (order.payment_state == "partly_refunded") == (0 < given_back < order.total_minor)
        assert (order.canceled_at is not None) == (order.state == "canceled")
        assert (order.state == "completed") == (order.fulfillment_state == "delivered")
        for line in lines[order.id]:
            assert line.shipped_quantity == sum(content.quantity for content in contents[line.id])
        shipped = sum(line.shipped_quantity for line in lines[order.id])
        wanted = sum(line.quantity for line in lines[order.id])
        if order.fulfillment_state == "shipped":
            assert shipped == wanted
        elif order.fulfillment_state == "partly_shipped":
            assert 0 < shipped < wanted
        elif order.fulfillment_state in {"unfulfilled", "packed"} or order.is_pickup:
            assert not parcels[order.id]
        assert all((parcel.delivered_at is not None) == (order.fulfillment_state == "delivered") for parcel in parcels[order.id])


def test_everything_happened_in_order_and_before_now(orders: list[Any]) -> None:
    entries, addresses = of_orders(OrderEntry), of_orders(OrderAddress)
    published = {
        found.id: found.published_at
        for found in rows(select(Variant.id, Product.published_at).join(Product, Product.id == Variant.product_id))
    }
    lines = of_orders(OrderLine)

    for order in orders:
        moments = [order.placed_at, *(entry.at for entry in entries[order.id]), NOW]
        assert moments == sorted(moments), order.number
        kinds = [entry.kind for entry in entries[order.id]]
        assert ("paid" in kinds) == (order.payment_state in {"paid", "partly_refunded", "refunded"})
        assert ("canceled" in kinds) == (order.state == "canceled")
        assert ("delivered" in kinds) == (order.fulfillment_state == "delivered")
        assert [address.kind for address in addresses[order.id]] == ["billing" if order.is_pickup else "shipping"]
        assert all(published[line.variant_id] < order.placed_at for line in lines[order.id])


def test_best_sellers_are_counted_from_what_was_sold(orders: list[Any]) -> None:
    canceled = {order.id for order in orders if order.state == "canceled"}
    product_of = {found.id: found.product_id for found in rows(select(Variant.id, Variant.product_id))}
    sold: Counter[int] = Counter()
    for line in rows(select(OrderLine.order_id, OrderLine.variant_id, OrderLine.quantity)):
        if line.order_id not in canceled:
            sold[product_of[line.variant_id]] += line.quantity

    assert {found.id: found.sold_count for found in rows(select(Product.id, Product.sold_count)) if found.sold_count} == dict(sold)


def test_no_mail_goes_out_for_what_never_happened(orders: list[Any]) -> None:
    assert rows(select(Event.kind).where(Event.kind.like("order.%") | Event.kind.like("payment.%"))) == []


def test_the_test_bank_knows_every_card_payment(orders: list[Any], world: Built, shop_app: Flask) -> None:
    gateway = shop_app.extensions["gateways"]["test_card"]
    cards = rows(select(Payment.__table__).where(Payment.gateway == "test_card"))
    refunds = rows(select(Refund.amount_minor).join(Payment, Payment.id == Refund.payment_id).where(Payment.gateway == "test_card"))

    assert len(cards) > 20
    for card in cards:
        truth = gateway.bank.find(card.key).truth
        assert truth == {"captured": "captured", "failed": "declined", "voided": "voided", "unknown": "captured"}[card.state]
    assert gateway.bank.totals()[1] == sum(refund.amount_minor for refund in refunds)


def test_the_sweep_of_payments_leaves_the_world_as_it_is(orders: list[Any]) -> None:
    before = dump()

    sweep_payments(NOW + timedelta(hours=12))

    assert dump() == before


def test_every_page_of_an_order_can_be_made(orders: list[Any]) -> None:
    for order in orders:
        seen = get_order(order.number)
        assert next_sentence(seen)
        assert steps(seen)
