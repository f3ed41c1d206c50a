"""The ledger of money: every posting sums to zero, is written once, and never changes."""

from __future__ import annotations

import pytest
from flask import Flask
from sqlalchemy import func, select, text
from sqlalchemy.exc import DatabaseError

from shop.db import rows, scalar, transaction
from shop.ledger.models import Account, Cause, Entry, Posting
from shop.ledger.queries import balances_of
from shop.ledger.services import post
from tests.factories import NOON, make_product
from tests.orders import make_order

CAPTURE = {Account.CASH: 2000, Account.RECEIVABLE: -2000}


@pytest.fixture
def order_id(context: Flask) -> int:
    return int(make_order().id)


def write(order_id: int, amounts: dict[Account, int], key: str = "capture:1") -> bool:
    with transaction():
        return post(order_id, Cause.CAPTURE, key, amounts, currency="EUR", gateway="test_card", by="customer", at=NOON)


def test_a_posting_is_written_once_per_key(order_id):
    assert write(order_id, CAPTURE) is True
    assert write(order_id, CAPTURE) is False

    assert balances_of(order_id) == CAPTURE
    assert scalar(select(func.count()).select_from(Posting)) == 1


def test_a_posting_that_does_not_sum_to_zero_is_refused(order_id):
    with pytest.raises(ValueError, match="does not sum to zero"):
        write(order_id, {Account.CASH: 2000, Account.RECEIVABLE: -1999})

    assert scalar(select(func.count()).select_from(Posting)) == 0


def test_nothing_is_posted_when_nothing_moves(order_id):
    assert write(order_id, {Account.CASH: 0, Account.RECEIVABLE: 0}) is False

    assert scalar(select(func.count()).select_from(Posting)) == 0


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE entries SET minor = minor * 2",
        "DELETE FROM entries",
        "UPDATE postings SET actor = 'nobody'",
        "DELETE FROM postings",
        "UPDATE stock_movements SET delta = delta * 2",
        "DELETE FROM stock_movements",
    ],
)
def test_the_database_refuses_to_change_or_delete_what_was_booked(order_id, statement):
    write(order_id, CAPTURE)

    with pytest.raises(DatabaseError, match="never change"), transaction() as session:
        session.execute(text(statement))

    assert balances_of(order_id) == CAPTURE


def test_movements_of_stock_go_with_their_variant_and_not_without(context):
    mug = make_product()

    with transaction() as session:
        session.execute(text("DELETE FROM variants WHERE id = :id"), {"id": mug.variant_id})

    assert rows(text("SELECT * FROM stock_movements WHERE variant_id = :id"), id=mug.variant_id) == []


def test_amounts_have_both_bounds(order_id):
    with pytest.raises(DatabaseError, match="minor_range"):
        write(order_id, {Account.CASH: 10**15, Account.RECEIVABLE: -(10**15)})

    assert scalar(select(func.count()).select_from(Entry)) == 0
