"""What gateways said that did nothing, on a page and as JSON; and the press that asks one again."""

from __future__ import annotations

import pytest
from sqlalchemy import insert, select, update

from shop.order.models import PaymentState
from shop.order.queries import get_order
from shop.payment.gateways.base import Truth
from shop.payment.gateways.test_card import TestCard
from shop.payment.inbox import receive_message
from shop.payment.models import GatewayMessage, Payment
from shop.payment.queries import list_attempts
from shop.payment.services import settle, start_payment
from shop.payment.signatures import HEADER, sign
from shop.payment.test_bank.books import TestBank
from shop.payment.test_bank.remote import RemoteBank
from tests.factories import NOON
from tests.office import Desk, offers, words
from tests.orders import make_order
from tests.payment.test_inbox import message
from tests.people import change, inside, log_in, make_user, row

PAGE, API = "/admin/gateway-messages", "/api/v1/gateway-messages"
SECRETS = ("new secret",)


@pytest.fixture
def bank(app, tmp_path, monkeypatch) -> TestBank:
    made = TestBank(tmp_path / "bank.db")
    monkeypatch.setitem(app.extensions["gateways"], "test_card", TestCard(made, secrets=SECRETS))
    return made


@pytest.fixture
def desk(client):
    return Desk(client)


@inside
def begun() -> tuple[str, int]:
    """An order whose customer is at the bank: its number and the attempt."""
    made = make_order(payment_method="test_card")
    start_payment(made.id, gateway="test_card", at=NOON)
    return made.number, list_attempts(made.id)[0].id


@inside
def hear(number: str, **changes) -> None:
    body = message(get_order(number), **changes)
    receive_message("test_card", body, {HEADER: sign(body, SECRETS, at=NOON)}, at=NOON)


def reference() -> str:
    return str(row(select(Payment.reference)).reference)


def ask(number: str, payment_id: int) -> str:
    return f"/admin/orders/{number}/payments/{payment_id}/question"


def test_staff_see_which_messages_were_ignored_and_why(desk, bank):
    number, _attempt = begun()
    hear(number, event_id="evt_1")
    hear(number, event_id="evt_2", key="nobody's", reference="nobody's")

    every, ignored = words(desk.see(PAGE)), words(desk.see(f"{PAGE}?state=ignored"))

    assert "evt_1" in every
    assert "evt_2" in every
    assert "evt_1" not in ignored
    assert "it is about no payment of this shop" in ignored


def test_staff_see_an_amount_that_nobody_asked_for(desk, bank):
    number, attempt_id = begun()
    bank.decide(reference(), Truth.CAPTURED)
    change(update(Payment).values(amount_minor=Payment.amount_minor + 100))
    inside(settle)(attempt_id, at=NOON)

    page = words(desk.see(PAGE))

    assert "Another amount came than was asked" in page
    assert number in page
    (found,) = desk.client.get(API).json["mismatches"]
    assert (found["order"], found["payment"]) == (number, attempt_id)


def test_asking_the_gateway_again_records_what_nobody_told_us(desk, bank):
    number, attempt_id = begun()
    page = desk.see(f"/admin/orders/{number}")
    bank.decide(reference(), Truth.CAPTURED)

    answers = [desk.press(page, ask(number, attempt_id)) for _click in range(2)]

    assert [answer.status_code for answer in answers] == [303, 303]
    assert inside(get_order)(number).payment_state is PaymentState.PAID
    assert "The gateway was asked. Nothing is new: Captured." in words(desk.see(f"/admin/orders/{number}"))


def test_a_gateway_that_does_not_answer_is_said_to_be_silent(desk, bank, app, monkeypatch):
    number, attempt_id = begun()
    bank.decide(reference(), Truth.CAPTURED)
    inside(settle)(attempt_id, at=NOON)
    page = desk.see(f"/admin/orders/{number}")
    monkeypatch.setitem(app.extensions["gateways"], "test_card", TestCard(RemoteBank("http://127.0.0.1:7899", timeout_s=1)))

    desk.press(page, ask(number, attempt_id))

    assert "The gateway does not answer" in words(desk.see(f"/admin/orders/{number}"))
    assert inside(get_order)(number).payment_state is PaymentState.PAID


def test_a_transfer_has_no_gateway_to_be_asked(desk):
    number = inside(make_order)().number
    attempt_id = row(select(Payment.id))

    page = desk.see(f"/admin/orders/{number}")

    assert attempt_id is None or not offers(page, ask(number, attempt_id.id))


def test_programs_ask_again_and_read_the_money_of_the_order(desk, bank):
    number, attempt_id = begun()
    bank.decide(reference(), Truth.CAPTURED)

    answer = desk.client.post(f"/api/v1/orders/{number}/payments/{attempt_id}/question")

    assert (answer.status_code, answer.json["payments"][0]["state"]) == (200, "captured")
    assert desk.client.post(f"/api/v1/orders/{number}/payments/{attempt_id + 1}/question").status_code == 404


def test_programs_read_messages_page_by_page(desk, app):
    many = [
        {
            "gateway": "test_card",
            "event_id": f"evt_{count}",
            "kind": "charge",
            "state": "ignored",
            "note": "",
            "received_at": NOON,
            "due_at": NOON,
        }
        for count in range(60)
    ]
    change(insert(GatewayMessage).values(many))

    first = desk.client.get(f"{API}?state=ignored").json
    second = desk.client.get(first["next"]).json

    assert [len(first["items"]), len(second["items"])] == [50, 10]
    assert second["next"] is None
    assert desk.client.get(f"{API}?state=lost").status_code == 422


def test_a_message_that_was_given_up_counts_for_staff_and_is_tried_again_by_a_press(desk, bank):
    number, _attempt = begun()
    hear(number, event_id="evt_1")
    change(update(GatewayMessage).values(state="given_up", note="Its gateway does not answer.", tries=30))
    path = f"{PAGE}/{row(select(GatewayMessage.id)).id}/attempts"

    seen = desk.see(f"{PAGE}?state=given_up")
    pressed, again = desk.press(seen, path), desk.press(seen, path)

    assert "Given up" in words(seen)
    assert "does not answer" in words(seen)
    assert (pressed.status_code, again.status_code) == (303, 303)
    assert "Only a message that was given up" in words(desk.see(PAGE))
    assert (row(select(GatewayMessage.state)).state, row(select(GatewayMessage.tries)).tries) == ("received", 0)
    change(update(GatewayMessage).values(state="given_up"))
    assert desk.client.get(f"{API}?state=given_up").json["items"][0]["tries"] == 0
    json_path = path.replace("/admin", "/api/v1")
    assert [desk.client.post(json_path).status_code for _press in range(2)] == [204, 409]
    assert desk.client.post(f"{API}/999999/attempts").status_code == 404


def test_who_may_not_touch_payments_neither_reads_nor_asks(client, bank):
    number, attempt_id = begun()
    make_user("sam@example.com", role="support")
    log_in(client, "sam@example.com")

    for path in (PAGE, API):
        assert client.get(path).status_code == 403
    assert client.post(ask(number, attempt_id)).status_code == 403
    assert client.post(f"/api/v1/orders/{number}/payments/{attempt_id}/question").status_code == 403
