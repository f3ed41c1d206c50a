"""Staff record the money that moved outside the shop: a transfer that came in, a refund that was sent by hand."""

from __future__ import annotations

import pytest
from sqlalchemy import select

from shop.clock import now
from shop.order.models import PaymentState
from shop.order.queries import get_order
from shop.order.services import cancel_order
from shop.outbox.courier import deliver_due
from shop.payment.models import Payment, Refund, State
from shop.payment.refunds import refund_payment
from shop.payment.services import record_bank_payment
from tests.factories import NOON
from tests.office import Desk, offers, words
from tests.orders import make_order
from tests.people import inside, log_in, make_user, row, rows

order = inside(get_order)


@pytest.fixture
def desk(client):
    return Desk(client)


@inside
def placed(*, paid=False, canceled=False):
    made = make_order()
    if paid:
        record_bank_payment(made.id, by="boss@example.com", at=NOON)
    if canceled:
        cancel_order(made.id, by="boss@example.com", at=NOON)
        while deliver_due(at=now()).delivered:
            pass
    return made.number


def path(number, act=""):
    return f"/admin/orders/{number}" + (f"/{act}" if act else "")


def test_a_transfer_is_recorded_once_however_often_it_is_pressed(desk):
    number = placed()
    page = desk.see(path(number))

    answers = [desk.press(page, path(number, "payment")) for _click in range(2)]

    assert [answer.status_code for answer in answers] == [303, 303]
    assert [tuple(payment) for payment in rows(select(Payment.state, Payment.captured_minor))] == [
        (State.CAPTURED, order(number).total.minor)
    ]
    assert [entry.actor for entry in order(number).entries if entry.kind == "paid"] == [desk.email]
    assert not offers(desk.see(path(number)), path(number, "payment"))


def test_a_refund_that_no_gateway_can_send_is_sent_by_hand_and_recorded(desk):
    number = placed(paid=True, canceled=True)
    refund_id = row(select(Refund.id)).id
    page = desk.see(path(number))
    assert "Send it by hand" in words(page)
    assert number in desk.see("/admin/orders?task=refund")

    answers = [desk.press(page, path(number, f"refunds/{refund_id}")) for _click in range(2)]

    assert [answer.status_code for answer in answers] == [303, 303]
    assert order(number).payment_state is PaymentState.REFUNDED
    assert number not in desk.see("/admin/orders?task=refund")


def test_a_refund_of_another_order_is_not_found(desk):
    number, other = placed(paid=True, canceled=True), placed()
    refund_id = row(select(Refund.id)).id
    fields = desk.see(path(other))

    answer = desk.client.post(path(other, f"refunds/{refund_id}"))

    assert fields
    assert answer.status_code == 404
    assert desk.client.post(f"/api/v1/orders/{other}/refunds/{refund_id}", json={}).status_code == 404
    assert order(number).payment_state is PaymentState.PAID


def test_programs_record_both(desk):
    number, canceled = placed(), placed(paid=True, canceled=True)
    refund_id = row(select(Refund.id)).id

    paid = desk.client.post(f"/api/v1/orders/{number}/payment", json={})
    again = desk.client.post(f"/api/v1/orders/{number}/payment", json={})
    refunded = desk.client.post(f"/api/v1/orders/{canceled}/refunds/{refund_id}", json={})

    assert (paid.status_code, paid.json["payment"]["state"]) == (200, "paid")
    assert (again.status_code, again.json["legal"]) == (409, ["partly_refunded", "refunded"])
    assert (refunded.status_code, refunded.json["payment"]["state"]) == (200, "refunded")


def test_nobody_else_records_money(app, desk):
    number = placed()
    make_user("eve@example.com")
    eve = app.test_client()
    log_in(eve, "eve@example.com")

    assert eve.post(path(number, "payment")).status_code == 403
    assert eve.post(f"/api/v1/orders/{number}/payment", json={}).status_code == 403
    assert app.test_client().post(f"/api/v1/orders/{number}/payment", json={}).status_code == 401
    assert order(number).payment_state is PaymentState.UNPAID


def test_the_page_says_what_came_in_what_went_back_and_what_is_owed(desk):
    number = placed(paid=True)
    inside(refund_payment)(row(select(Payment.id)).id, press="one", amount_minor=500, reason="late", by="boss@example.com", at=NOON)
    desk.press(desk.see(path(number)), path(number, f"refunds/{row(select(Refund.id)).id}"))

    page = plain(desk.see(path(number)))

    made = order(number)
    assert (made.paid.minor, made.refunded.minor) == (made.total.minor, 500)
    assert f"Paid {made.paid.to_decimal()} Given back 5.00" in page
    back = made.paid - made.refunded
    assert f"{back.to_decimal()} go back to the customer" in plain(desk.see(path(number, "cancellation")))


def plain(page):
    """What a person reads, without the sign of the currency."""
    return " ".join(words(page).replace("€", " ").split())
