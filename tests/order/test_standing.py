"""What the lists say of an order's money: to staff, to programs, to its buyer; by the books, whatever its state is called."""

from __future__ import annotations

import pytest
from sqlalchemy import select

from shop.auth.models import User
from shop.order.changes.services import Edit, edit_order
from shop.order.queries import get_order
from shop.order.services import cancel_order
from shop.payment.models import Payment, Refund
from shop.payment.refunds import record_bank_refund, refund_payment
from shop.payment.services import record_bank_payment
from tests.factories import NOON, make_product
from tests.office import Desk, words
from tests.orders import counted, make_order
from tests.people import inside, log_in, make_user, row, rows

BOSS = "boss@example.com"
MEMBER = "lucia@example.com"


@pytest.fixture
def desk(client):
    return Desk(client)


@pytest.fixture
def buyer(app):
    """The browser of a member."""
    make_user(MEMBER)
    client = app.test_client()
    log_in(client, MEMBER)
    return client


@inside
def bought(*, paid=True):
    """Three mugs of a member: €43.50 and the delivery."""
    member = row(select(User.id).where(User.email == MEMBER)).id
    order = make_order([(make_product("Mug", stock=10), 3)], user_id=member)
    if paid:
        record_bank_payment(order.id, by=BOSS, at=NOON)
    return order.number


@inside
def act(verb, number, *rest, **more):
    return verb(get_order(number).id, *rest, **more, by=BOSS, at=NOON)


@inside
def send_back(amount_minor):
    """A part of the money goes back, by hand."""
    refund = refund_payment(row(select(Payment.id)).id, press="p", amount_minor=amount_minor, by=BOSS, at=NOON)
    for one in rows(select(Refund.id)):
        record_bank_refund(one.id, by=BOSS, at=NOON)
    return refund


def lists(desk, buyer):
    """What staff read in the list, what the buyer reads in theirs, and what a program reads."""
    item = desk.client.get("/api/v1/orders").json["items"][0]
    return words(desk.see("/admin/orders")), words(buyer.get("/account").text), (item["refunded"]["minor"], item["owed"]["minor"])


def test_a_paid_order_is_paid_and_nothing_else(desk, buyer):
    bought()

    staff, mine, program = lists(desk, buyer)

    assert " Paid To pack" in staff
    assert not any(sentence in staff + mine for sentence in ("given back", "to give back", "still owed", "still to pay", "way back"))
    assert program == (0, 0)


def test_an_order_that_nobody_paid_waits_and_owes_no_more_than_that(desk, buyer):
    number = bought(paid=False)

    staff, mine, program = lists(desk, buyer)

    assert " Unpaid To pack" in staff
    assert "Waiting for the payment" in mine
    assert "still owed" not in staff
    assert program == (0, inside(get_order)(number).total.minor)


def test_a_paid_order_that_was_canceled_owes_its_money_until_it_is_back(desk, buyer):
    number = bought()
    act(cancel_order, number)
    total = inside(get_order)(number).total.minor

    staff, mine, program = lists(desk, buyer)

    assert f"€{total / 100:.2f} to give back" in staff
    assert f"Canceled €{total / 100:.2f} on their way back to you" in mine
    assert program == (0, -total)


def test_what_went_back_is_said_with_its_amount(desk, buyer):
    bought()
    send_back(500)

    staff, mine, program = lists(desk, buyer)

    assert "€5.00 given back" in staff
    assert "€5.00 given back" in mine
    assert "to give back" not in staff
    assert program == (500, 0)


def test_an_edit_that_makes_a_paid_order_cheaper_owes_the_difference(desk, buyer):
    number = bought()
    line = inside(get_order)(number).lines[0].id
    act(edit_order, number, Edit(pieces={line: 2}))

    staff, mine, program = lists(desk, buyer)

    assert "€14.50 to give back" in staff
    assert "€14.50 on their way back to you" in mine
    assert program == (0, -1450)


def test_the_page_of_the_customer_says_the_same(desk, buyer):
    number = bought()
    act(cancel_order, number)
    customer = inside(get_order)(number).customer_id

    assert "to give back" in words(desk.see(f"/admin/customers/{customer}"))
    assert "to give back" in words(desk.see("/admin/"))


def test_members_lists_cost_the_same_statements_however_much_moved(app, desk, buyer):
    def cost():
        with app.app_context(), counted() as statements:
            buyer.get("/account")
        return len(statements)

    bought()
    cost()  # what is kept per process is read
    few = cost()
    for _ in range(3):
        act(cancel_order, bought())
    cost()  # and read anew, since goods were made

    assert cost() == few
