"""Money in the books: what came in, what went back, what is owed, are sums; each story ends with accounts that agree."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select

from shop.db import rows, transaction
from shop.ledger.models import Account, Cause, Posting
from shop.ledger.queries import balances_of
from shop.order.models import Order
from shop.order.services import cancel_order
from shop.payment.gateways.base import Truth
from shop.payment.gateways.test_card import TestCard
from shop.payment.ledger import post_dispute, post_refund
from shop.payment.queries import gateways, list_attempts
from shop.payment.refunds import record_bank_refund, refund_rest
from shop.payment.services import record_bank_payment, settle_order, start_payment
from shop.payment.test_bank.books import TestBank
from tests.factories import NOON
from tests.orders import make_order

LATER = NOON + timedelta(minutes=5)


@pytest.fixture
def bank(context, tmp_path, monkeypatch) -> TestBank:
    made = TestBank(tmp_path / "bank.db")
    monkeypatch.setitem(gateways(), "test_card", TestCard(made))
    return made


def pay_by_card(order: Order, bank: TestBank) -> None:
    start_payment(order.id, gateway="test_card", at=NOON)
    bank.decide(str(list_attempts(order.id)[-1].reference), Truth.CAPTURED)
    settle_order(order.id, at=NOON)


def causes(order: Order) -> list[Any]:
    return [posting.cause for posting in rows(select(Posting.cause).where(Posting.order_id == order.id).order_by(Posting.id))]


def test_an_order_that_nobody_paid_stands_in_no_book(bank):
    order = make_order(payment_method="test_card")

    cancel_order(order.id, by="customer", at=NOON)

    assert causes(order) == []


def test_a_paid_order_is_sold_taxed_and_owes_nothing(bank):
    order = make_order(payment_method="test_card")

    pay_by_card(order, bank)

    books = balances_of(order.id)
    assert causes(order) == [Cause.CAPTURE, Cause.SALE]
    assert (books[Account.CASH], books[Account.RECEIVABLE], books[Account.TAX]) == (order.total_minor, 0, -order.tax_minor)
    assert books[Account.SALES] + books.get(Account.SHIPPING, 0) == -(order.total_minor - order.tax_minor)


def test_a_canceled_order_is_no_sale_and_its_refund_closes_all_accounts(bank):
    order = make_order(payment_method="test_card")
    pay_by_card(order, bank)

    cancel_order(order.id, by="customer", at=LATER)
    assert balances_of(order.id)[Account.RECEIVABLE] == -order.total_minor
    refund_rest(list_attempts(order.id)[-1].id, reason="canceled", by="shop", at=LATER)

    assert set(balances_of(order.id).values()) == {0}
    assert causes(order) == [Cause.CAPTURE, Cause.SALE, Cause.CANCELLATION, Cause.REFUND]


def test_money_that_came_twice_goes_back_without_touching_what_was_sold(bank):
    order = make_order(payment_method="test_card")
    start_payment(order.id, gateway="test_card", at=NOON)
    reference = str(list_attempts(order.id)[-1].reference)
    bank.decide(reference, Truth.CAPTURED)
    record_bank_payment(order.id, by="ana@example.com", at=NOON)
    twice = next(found for found in list_attempts(order.id) if found.gateway == "test_card")

    assert balances_of(order.id)[Account.RECEIVABLE] == -order.total_minor
    refund_rest(twice.id, reason="too_much", by="shop", at=LATER)

    books = balances_of(order.id)
    assert (books[Account.CASH], books[Account.RECEIVABLE]) == (order.total_minor, 0)
    assert books.get(Account.REFUNDS, 0) == 0


def test_a_part_that_goes_back_lessens_the_sale_and_a_cancellation_owes_only_the_rest(bank):
    order = make_order(payment_method="test_card")
    pay_by_card(order, bank)
    with transaction():
        post_refund(order.id, 1, 500, currency="EUR", gateway="test_card", by="ana@example.com", at=LATER)
    assert (balances_of(order.id)[Account.REFUNDS], balances_of(order.id)[Account.RECEIVABLE]) == (500, 0)

    cancel_order(order.id, by="customer", at=LATER)

    books = balances_of(order.id)
    assert (books[Account.RECEIVABLE], books[Account.REFUNDS]) == (500 - order.total_minor, 0)


def test_a_transfer_and_its_refund_by_hand_are_posted_when_people_say_so(context):
    order = make_order()
    record_bank_payment(order.id, by="ana@example.com", at=NOON)
    cancel_order(order.id, by="customer", at=LATER)
    refund_rest(list_attempts(order.id)[-1].id, reason="canceled", by="shop", at=LATER)
    assert balances_of(order.id)[Account.CASH] == order.total_minor

    from shop.payment.queries import list_refunds

    record_bank_refund(list_refunds(order.id)[0].id, by="ana@example.com", at=LATER)

    assert set(balances_of(order.id).values()) == {0}


def test_disputes_cost_the_shop_and_not_the_customer(bank):
    order = make_order(payment_method="test_card")
    pay_by_card(order, bank)
    total = order.total_minor

    with transaction():
        post_dispute(order.id, "dp_1", total, currency="EUR", gateway="test_card", at=LATER)
        assert balances_of(order.id)[Account.CASH] == 0
        post_dispute(order.id, "dp_1", total, currency="EUR", gateway="test_card", is_won=True, at=LATER)
        assert not post_dispute(order.id, "dp_1", total, currency="EUR", gateway="test_card", is_won=True, at=LATER)

    books = balances_of(order.id)
    assert (books[Account.CASH], books[Account.RECEIVABLE], books[Account.DISPUTES]) == (total, 0, 0)
