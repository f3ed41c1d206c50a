"""What goes back for pieces: after discounts, after edits, in whatever steps; a piece once, by whichever verb, never more and never less than was paid."""

from __future__ import annotations

from dataclasses import replace
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select

from shop.audit.services import run_audit
from shop.db import row, rows
from shop.errors import Invalid
from shop.order.changes.services import Edit, edit_order
from shop.order.models import CreditKind, OrderCredit
from shop.order.queries import get_order
from shop.order.reckoning import LineAccount, reckon_lines
from shop.order.returns.amounts import worth_of_pieces
from shop.order.returns.models import ReturnReason
from shop.order.returns.queries import ReturnView, get_return
from shop.order.returns.services import ask_return, decide_return, receive_return
from shop.order.services import mark_delivered, ship_order
from shop.payment.models import Payment, Refund, RefundLine
from shop.payment.refunds import record_bank_refund, refund_payment
from shop.payment.services import record_bank_payment
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
    assert {line.may_refund for line in reckon_lines(order.id).values()} == {0}


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
    assert reckon_lines(order.id)[mug.id].may_refund == 0


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
    assert reckon_lines(order.id)[mug.id].may_refund == 0


@given(st.integers(0, 10**10), st.integers(1, 50), st.data())
def test_parts_of_a_line_sum_to_the_line_in_whatever_steps(whole, pieces, data):
    account = LineAccount(1, None, True, pieces, 0, 0, 0, 0, 0, refunded=0, worth_minor=whole, refunded_minor=0)
    steps = []
    while account.may_refund:
        step = data.draw(st.integers(1, account.may_refund))
        steps.append(account.price(step))
        account = replace(account, refunded=account.refunded + step, refunded_minor=account.refunded_minor + steps[-1])

    assert sum(steps) == whole
    assert min(steps) >= 0


def sent(order) -> int:
    """Paid, and with the customer; the id of its first line."""
    record_bank_payment(order.id, by=ANA, at=NOON)
    ship_order(order.id, by=ANA, at=NOON)
    mark_delivered(order.id, by=ANA, at=NOON)
    return lines_of(order)[0].id


def announced(order, line_id: int, count: int) -> ReturnView:
    """An approved return of so many pieces."""
    place = ask_return(order.id, [(line_id, count)], reason=ReturnReason.DAMAGED, by="customer", at=NOON)
    found = get_return(get_order(order.number), place)
    decide_return(found.id, approve=True, by=ANA, at=NOON)
    return found


def broken_rules() -> set[str]:
    return {result.rule for result in run_audit(at=NOON).broken}


def test_a_piece_that_a_refund_paid_back_is_worth_nothing_when_it_returns(context):
    order = make_order([(make_product("Mug", price=1450, stock=9), 3)])
    mug = sent(order)
    give_back(order, mug, 2)
    found = announced(order, mug, 3)

    worth = worth_of_pieces(get_order(order.number), {mug: 3})
    receive_return(found.id, {mug: (3, 3)}, refund_minor=worth.minor, by=ANA, at=NOON)

    assert worth.minor == 1450
    account = reckon_lines(order.id)[mug]
    assert (account.returned, account.refunded, account.refunded_minor, account.may_refund) == (3, 3, 3 * 1450, 0)
    assert broken_rules() == set()


def test_a_piece_that_a_return_paid_back_is_not_left_for_a_refund(context):
    order = make_order([(make_product("Mug", price=1450, stock=9), 3)])
    mug = sent(order)
    found = announced(order, mug, 2)
    receive_return(found.id, {mug: (2, 1)}, refund_minor=2900, by=ANA, at=NOON)

    with pytest.raises(Invalid):
        give_back(order, mug, 2)

    assert give_back(order, mug, 1) == 1450
    assert broken_rules() == set()


def test_a_return_that_pays_nothing_leaves_its_pieces_to_a_refund(context):
    order = make_order([(make_product("Mug", price=1450, stock=9), 3)])
    mug = sent(order)
    found = announced(order, mug, 2)
    receive_return(found.id, {mug: (2, 0)}, refund_minor=0, by=ANA, at=NOON)

    assert give_back(order, mug, 3) == 3 * 1450


def test_an_edit_takes_off_no_piece_that_was_paid_back(context):
    order = make_order([(make_product("Mug", price=1450, stock=9), 3)])
    record_bank_payment(order.id, by=ANA, at=NOON)
    mug = lines_of(order)[0].id
    give_back(order, mug, 2)

    with pytest.raises(Invalid) as refused:
        edit_order(order.id, Edit(pieces={mug: 1}), by=ANA, at=NOON)
    edit_order(order.id, Edit(pieces={mug: 2}), by=ANA, at=NOON)

    assert "2 were paid back already" in str(refused.value.errors)
    assert reckon_lines(order.id)[mug].may_cancel == 0
    assert broken_rules() == set()


def test_not_more_goes_back_with_a_return_than_is_left_of_the_money(context):
    order = make_order([(make_product("Mug", price=1450, stock=9), 3)])
    mug = sent(order)
    refund_payment(payment().id, press="amount", amount_minor=order.total_minor - 1000, reason="x", by=ANA, at=NOON)
    record_bank_refund(row(select(Refund.id)).id, by=ANA, at=NOON)
    found = announced(order, mug, 1)

    with pytest.raises(Invalid):
        receive_return(found.id, {mug: (1, 1)}, refund_minor=1450, by=ANA, at=NOON)
    receive_return(found.id, {mug: (1, 1)}, refund_minor=1000, by=ANA, at=NOON)

    assert broken_rules() == set()


@pytest.mark.parametrize("includes", ["1", "0"])
@pytest.mark.parametrize("seed", range(12))
def test_refunds_returns_and_edits_in_any_order_give_back_what_was_paid_for_the_goods(context, includes, seed):
    """Whatever is left of a line in the end: what went back for it and what it still costs sum to the line."""
    chance = Random(seed)
    save_settings({("prices_include_tax", ""): includes})
    make_promotion("Seventh", percent=7)
    order = make_order([(make_product("Mug", price=chance.choice([333, 1001, 1999]), stock=9), 5)])
    record_bank_payment(order.id, by=ANA, at=NOON)
    mug = lines_of(order)[0].id
    whole = reckon_lines(order.id)[mug].worth_minor

    for _turn in range(4):
        account = reckon_lines(order.id)[mug]
        if chance.random() < 0.5 and account.may_refund:
            give_back(order, mug, chance.randint(1, account.may_refund))
        elif account.may_cancel and account.agreed > 1:
            edit_order(order.id, Edit(pieces={mug: max(1, account.agreed - chance.randint(1, account.may_cancel))}), by=ANA, at=NOON)
    if left := reckon_lines(order.id)[mug].may_refund:
        give_back(order, mug, left)

    account = reckon_lines(order.id)[mug]
    back = sum(found.amount_minor for found in rows(select(RefundLine.amount_minor)))
    edits = sum(found.amount_minor for found in rows(select(OrderCredit.amount_minor).where(OrderCredit.kind == CreditKind.EDIT)))
    assert (account.refunded_minor, back + edits) == (back, whole)
    assert broken_rules() <= {"I06"}
