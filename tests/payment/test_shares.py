"""What goes back for pieces: after discounts, after edits, in whatever steps; together never more and never less than was paid for them."""

from __future__ import annotations

import pytest
from sqlalchemy import select

from shop.db import row, rows
from shop.order.changes.services import Edit, edit_order
from shop.order.queries import get_order
from shop.payment.models import Payment, Refund, RefundLine
from shop.payment.refunds import refund_payment
from shop.payment.services import record_bank_payment
from shop.payment.shares import left_of_lines
from shop.settings.services import save_settings
from tests.factories import NOON, make_product
from tests.orders import make_order
from tests.promotions import make_promotion

ANA = "ana@bodega.example"


def give_back(order, line_id: int, count: int) -> int:
    """So many pieces of a line, by hand; what went back for them."""
    refund_payment(payment().id, press=f"{line_id}-{len(rows(select(Refund.id)))}", pieces={line_id: count}, reason="x", by=ANA, at=NOON)
    newest = row(select(Refund.amount_minor).order_by(Refund.id.desc()).limit(1))
    return int(newest.amount_minor)


def payment():
    return row(select(Payment.id, Payment.captured_minor, Payment.refunded_minor))


def lines_of(order):
    return get_order(order.number).lines


@pytest.mark.parametrize("includes", ["1", "0"])
@pytest.mark.parametrize("steps", [(3,), (1, 1, 1), (2, 1)])
def test_a_line_with_its_discount_goes_back_to_the_last_cent(context, steps, includes):
    save_settings({("prices_include_tax", ""): includes})
    make_promotion("Seventh", percent=7)
    order = make_order([(make_product("Mug", price=1999, stock=9), 3), (make_product("Tea", price=333, tax_class="food", stock=9), 1)])
    record_bank_payment(order.id, by=ANA, at=NOON)
    mug, tea = lines_of(order)

    back = [give_back(order, mug.id, count) for count in steps] + [give_back(order, tea.id, 1)]

    assert get_order(order.number).discount.minor > 0
    delivery = order.total_minor - sum(back)
    assert delivery == gross_of_delivery(order)
    assert sum(found.amount_minor for found in rows(select(RefundLine.amount_minor))) == sum(back)
    assert set(left_of_lines(order.id).values()) == {0}


def gross_of_delivery(order) -> int:
    from shop.order.models import Adjustment

    return sum(found.gross_minor for found in rows(select(Adjustment.gross_minor).where(Adjustment.order_id == order.id)))


@pytest.mark.parametrize("price", [1000, 1001, 1999, 3334])
@pytest.mark.parametrize("steps", [(2,), (1, 1)])
def test_what_an_edit_left_of_a_line_goes_back_to_the_last_cent(context, steps, price):
    make_promotion("Seventh", percent=7)
    order = make_order([(make_product("Mug", price=price, stock=9), 3), (make_product("Tea", price=333, stock=9), 1)])
    record_bank_payment(order.id, by=ANA, at=NOON)
    mug = lines_of(order)[0]
    edit_order(order.id, Edit(pieces={mug.id: 2}), by=ANA, at=NOON)
    cost = lines_of(order)[0]

    back = [give_back(order, mug.id, count) for count in steps]

    assert (cost.quantity, sum(back)) == (2, cost_of(order, mug.id))
    assert left_of_lines(order.id)[mug.id] == 0


def cost_of(order, line_id: int) -> int:
    """By the rows: the line, less what the edit took off it."""
    from shop.order.models import Adjustment, OrderLine

    line = row(select(OrderLine.gross_minor).where(OrderLine.id == line_id))
    taken = rows(select(Adjustment.gross_minor).where(Adjustment.order_line_id == line_id))
    return int(line.gross_minor) + sum(found.gross_minor for found in taken)


def test_a_piece_paid_back_before_an_edit_counts_once(context):
    order = make_order([(make_product("Mug", price=1000, stock=9), 3)])
    record_bank_payment(order.id, by=ANA, at=NOON)
    mug = lines_of(order)[0]
    first = give_back(order, mug.id, 1)
    edit_order(order.id, Edit(pieces={mug.id: 2}), by=ANA, at=NOON)

    second = give_back(order, mug.id, 1)

    assert first + second == cost_of(order, mug.id)
    assert left_of_lines(order.id)[mug.id] == 0
