"""Unpaid orders end when their time is over, never while money may be under way; late money is accepted or goes back, and everybody is told."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select

from shop.db import row, rows, scalar
from shop.inventory.models import StockItem, StockMovement
from shop.mail.models import Mail
from shop.order.expiry import expire_order
from shop.order.models import Order, OrderEntry, OrderState, PaymentState
from shop.outbox.courier import deliver_due
from shop.payment.expiry import end_if_unpaid, expire_unpaid, time_to_pay
from shop.payment.gateways.base import NoAnswer, Truth
from shop.payment.gateways.test_card import TestCard
from shop.payment.models import State
from shop.payment.queries import gateways, list_attempts, list_refunds
from shop.payment.services import record_bank_payment, settle_order, start_payment, sweep_payments
from shop.payment.test_bank.books import TestBank
from tests.factories import NOON, Made, make_product
from tests.orders import make_order
from tests.races import in_parallel

CARD_IS_OVER, TRANSFER_IS_OVER = NOON + timedelta(minutes=61), NOON + timedelta(days=14, minutes=1)


@pytest.fixture
def bank(context, tmp_path, monkeypatch) -> TestBank:
    made = TestBank(tmp_path / "bank.db")
    monkeypatch.setitem(gateways(), "test_card", TestCard(made))
    return made


@pytest.fixture
def lamp(context) -> Made:
    return make_product("Lamp", stock=1)


def stands(order: Order) -> tuple[OrderState, PaymentState]:
    found = row(select(Order.state, Order.payment_state).where(Order.id == order.id))
    assert found is not None
    return found.state, found.payment_state


def stock_of(made: Made) -> int:
    return int(scalar(select(StockItem.on_hand).where(StockItem.variant_id == made.variant_id)))


def moves(made: Made) -> list[tuple[int, str]]:
    found = rows(
        select(StockMovement.delta, StockMovement.reason).where(StockMovement.variant_id == made.variant_id).order_by(StockMovement.id)
    )
    return [(move.delta, str(move.reason)) for move in found]


def entries(order: Order) -> list[str]:
    return [found.kind for found in rows(select(OrderEntry.kind).where(OrderEntry.order_id == order.id).order_by(OrderEntry.id))]


def reference_of(order: Order) -> str:
    return str(list_attempts(order.id)[-1].reference)


def deliver_all(at: Any) -> list[str]:
    """Let the couriers work; gives the subjects of all mails so far."""
    while deliver_due(at=at).delivered:
        pass
    return [mail.subject for mail in rows(select(Mail.subject).order_by(Mail.id))]


def test_each_way_to_pay_has_its_own_time(bank, lamp):
    by_card, by_bank = make_order([(lamp, 1)], payment_method="test_card"), make_order()
    assert (time_to_pay("test_card"), time_to_pay("bank_transfer")) == (timedelta(minutes=60), timedelta(days=14))

    assert expire_unpaid(NOON + timedelta(minutes=59)) == 0
    assert expire_unpaid(CARD_IS_OVER) == 1
    assert stands(by_card)[0] is OrderState.CANCELED
    assert stands(by_bank)[0] is OrderState.OPEN

    assert expire_unpaid(TRANSFER_IS_OVER) == 1
    assert stands(by_bank)[0] is OrderState.CANCELED
    assert expire_unpaid(TRANSFER_IS_OVER) == 0


def test_an_order_that_expires_gives_its_stock_back_and_says_so(bank, lamp):
    order = make_order([(lamp, 1)])
    assert stock_of(lamp) == 0

    expire_unpaid(TRANSFER_IS_OVER)

    assert (stock_of(lamp), moves(lamp)[-2:]) == (1, [(-1, "sale"), (1, "cancellation")])
    assert entries(order) == ["expired"]
    assert [attempt.state for attempt in list_attempts(order.id)] == [State.VOIDED]
    assert deliver_all(TRANSFER_IS_OVER)[-1] == f"Your order {order.number} has ended unpaid"


def test_what_was_paid_at_the_gateway_is_found_out_before_anything_ends(bank, lamp):
    order = make_order([(lamp, 1)], payment_method="test_card")
    start_payment(order.id, gateway="test_card", at=NOON)
    bank.decide(reference_of(order), Truth.CAPTURED)

    assert expire_unpaid(CARD_IS_OVER) == 0

    assert stands(order) == (OrderState.OPEN, PaymentState.PAID)
    assert stock_of(lamp) == 0


def test_an_attempt_begun_this_moment_is_left_alone(bank, lamp):
    order = make_order([(lamp, 1)], payment_method="test_card")
    start_payment(order.id, gateway="test_card", at=NOON)
    bank.decide(reference_of(order), Truth.DECLINED, reason="declined")
    settle_order(order.id, at=NOON)

    start_payment(order.id, gateway="test_card", at=CARD_IS_OVER - timedelta(seconds=30))

    assert expire_unpaid(CARD_IS_OVER) == 0  # its time counts from the last attempt on
    assert end_if_unpaid(order.id, at=CARD_IS_OVER) is False  # and an attempt so young may be in flight
    assert stands(order) == (OrderState.OPEN, PaymentState.UNPAID)


def test_nothing_ends_while_the_gateway_is_silent(bank, lamp, monkeypatch):
    order = make_order([(lamp, 1)], payment_method="test_card")
    start_payment(order.id, gateway="test_card", at=NOON)
    silence(monkeypatch)

    assert expire_unpaid(CARD_IS_OVER) == 0
    assert stands(order) == (OrderState.OPEN, PaymentState.CHECKING)

    monkeypatch.undo()
    monkeypatch.setitem(gateways(), "test_card", TestCard(bank))
    later = CARD_IS_OVER + timedelta(minutes=10)
    sweep_payments(later)
    expire_unpaid(later)
    assert stands(order)[0] is OrderState.CANCELED
    assert stock_of(lamp) == 1


def silence(monkeypatch: pytest.MonkeyPatch) -> None:
    def say_nothing(*_: Any, **__: Any) -> Any:
        raise NoAnswer

    monkeypatch.setattr(TestCard, "look_up", say_nothing)


def test_an_order_expires_though_its_way_to_pay_is_no_longer_offered(bank, lamp, monkeypatch):
    order = make_order([(lamp, 1)], payment_method="test_card")
    start_payment(order.id, gateway="test_card", at=NOON)
    monkeypatch.delitem(gateways(), "test_card")

    assert expire_unpaid(CARD_IS_OVER) == 0
    assert expire_unpaid(TRANSFER_IS_OVER) == 1

    assert (stands(order)[0], stock_of(lamp)) == (OrderState.CANCELED, 1)


def test_the_card_page_is_closed_when_the_order_ends(bank, lamp):
    order = make_order([(lamp, 1)], payment_method="test_card")
    start_payment(order.id, gateway="test_card", at=NOON)

    expire_unpaid(CARD_IS_OVER)

    assert bank.decide(reference_of(order), Truth.CAPTURED) is False
    assert bank.totals() == (0, 0)


def test_a_late_payment_takes_the_stock_again_and_the_order_goes_on(bank, lamp):
    """Source: pretix issue 74; here nothing is kept in silence."""
    order = make_order([(lamp, 1)])
    expire_unpaid(TRANSFER_IS_OVER)

    record_bank_payment(order.id, by="ana@example.com", at=TRANSFER_IS_OVER)

    assert stands(order) == (OrderState.OPEN, PaymentState.PAID)
    assert (stock_of(lamp), entries(order)) == (0, ["expired", "reopened", "paid"])
    assert scalar(select(Order.expired_at).where(Order.id == order.id)) is None
    assert deliver_all(TRANSFER_IS_OVER)[-1] == f"Your payment for order {order.number} is here"


def test_a_late_payment_goes_back_by_itself_when_the_goods_are_gone(bank, lamp):
    order = make_order([(lamp, 1)])
    expire_unpaid(TRANSFER_IS_OVER)
    make_order([(lamp, 1)])

    record_bank_payment(order.id, by="ana@example.com", at=TRANSFER_IS_OVER)
    subjects = deliver_all(TRANSFER_IS_OVER)

    assert stands(order) == (OrderState.CANCELED, PaymentState.PAID)
    assert stock_of(lamp) == 0
    assert [refund.amount_minor for refund in list_refunds(order.id)] == [order.total_minor]
    assert f"Your payment for order {order.number} came too late" in subjects
    assert f"Your payment for order {order.number} is here" not in subjects
    assert "paid_too_late" in entries(order)


def test_of_two_lines_neither_is_taken_again_when_one_is_gone(bank, lamp):
    mug = make_product("Mug", stock=5)
    order = make_order([(mug, 2), (lamp, 1)])
    expire_unpaid(TRANSFER_IS_OVER)
    make_order([(lamp, 1)])

    record_bank_payment(order.id, by="ana@example.com", at=TRANSFER_IS_OVER)

    assert (stock_of(mug), stock_of(lamp)) == (5, 0)


def test_what_a_person_canceled_never_comes_back_by_a_payment(bank, lamp):
    from shop.order.services import cancel_order

    order = make_order([(lamp, 1)])
    cancel_order(order.id, by="customer", at=NOON)

    record_bank_payment(order.id, by="ana@example.com", at=NOON)

    assert stands(order) == (OrderState.CANCELED, PaymentState.PAID)
    assert stock_of(lamp) == 1


@pytest.mark.parametrize("_round", range(3))
def test_expiry_and_payment_at_once_leave_paid_or_ended_never_both(app: Flask, bank, _round):
    mug = make_product("Mug", stock=3)
    orders = [make_order([(mug, 1)], payment_method="test_card") for _ in range(3)]
    for order in orders:
        start_payment(order.id, gateway="test_card", at=NOON)
    references = {order.id: reference_of(order) for order in orders}

    def pay(order: Order) -> None:
        if bank.decide(references[order.id], Truth.CAPTURED):
            settle_order(order.id, at=CARD_IS_OVER)

    acts = [lambda order=order: pay(order) for order in orders] + [lambda: expire_unpaid(CARD_IS_OVER) for _ in range(3)]
    answers = in_parallel(app, acts)

    assert [answer for answer in answers if isinstance(answer, Exception)] == []
    ended = [order for order in orders if stands(order)[0] is OrderState.CANCELED]
    paid = [order for order in orders if stands(order) == (OrderState.OPEN, PaymentState.PAID)]
    assert len(ended) + len(paid) == 3
    assert stock_of(mug) == len(ended)
    assert bank.totals()[0] == sum(order.total_minor for order in paid)


def test_a_paid_order_does_not_expire(context, lamp):
    order = make_order([(lamp, 1)])
    record_bank_payment(order.id, by="ana@example.com", at=NOON)

    assert expire_order(order.id, at=TRANSFER_IS_OVER) is False
    assert stands(order)[0] is OrderState.OPEN
