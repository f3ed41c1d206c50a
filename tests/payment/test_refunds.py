"""Staff gives money back, by pieces or by amount, on pages and by JSON; captures and lets go what was promised. Two at once never exceed what came.

F09; django-oscar#4580: a refund above the payment. features 2.10: a full refund that was refused for one cent.
"""

from __future__ import annotations

import pytest
from sqlalchemy import select, update

from shop.audit.services import run_audit
from shop.errors import IllegalMove, Invalid
from shop.inventory.models import StockItem, StockMovement
from shop.order.models import Order, OrderLine, PaymentState
from shop.order.queries import get_order
from shop.order.reckoning import reckon_lines
from shop.order.services import ship_order
from shop.payment.gateways.base import Truth
from shop.payment.gateways.test_card import TestCard
from shop.payment.models import Payment, Refund, RefundLine, State
from shop.payment.queries import gateways
from shop.payment.refunds import record_bank_refund, refund_payment, sweep_refunds
from shop.payment.services import record_bank_payment, settle_order, start_payment
from shop.payment.test_bank.books import TestBank
from tests.factories import NOON, make_product
from tests.office import Desk, offers, words
from tests.orders import make_order
from tests.people import change, inside, log_in, make_user, row, rows
from tests.races import in_parallel

order_of = inside(get_order)


@pytest.fixture
def bank(app, tmp_path, monkeypatch) -> TestBank:
    made = TestBank(tmp_path / "bank.db")
    monkeypatch.setitem(app.extensions["gateways"], "test_card", TestCard(made))
    return made


@inside
def paid(bank, *, pieces=3, price=1000, ships=False, captures_at_once=True):
    """An order of mugs that was paid by card: its number."""
    gateways()["test_card"].is_taken_at_once = captures_at_once
    made = make_order([(make_product(price=price, stock=10), pieces)], payment_method="test_card")
    start_payment(made.id, gateway="test_card", at=NOON)
    bank.decide(row(select(Payment.reference).where(Payment.order_id == made.id)).reference, Truth.CAPTURED)
    settle_order(made.id, at=NOON)
    if ships:
        ship_order(made.id, by="nuria@example.com", at=NOON)
    return made.number


def payment_of(number):
    return row(select(Payment.__table__).join(Order, Order.id == Payment.order_id).where(Order.number == number))


def line_of(number):
    return row(select(OrderLine.__table__).join(Order, Order.id == OrderLine.order_id).where(Order.number == number))


give = inside(refund_payment)


@pytest.fixture
def desk(client, bank):
    return Desk(client)


def page_of(number):
    return f"/admin/orders/{number}/payments/{payment_of(number).id}/refund"


def test_an_amount_goes_back_once_however_often_it_is_pressed(desk, bank):
    number = paid(bank)
    page = desk.see(page_of(number))

    answers = [desk.press(page, page_of(number), amount="5.00", reason="a scratch") for _click in range(3)]

    assert [answer.status_code for answer in answers] == [303, 303, 303]
    assert bank.totals()[1] == 500
    assert order_of(number).payment_state is PaymentState.PARTLY_REFUNDED
    assert [tuple(found) for found in rows(select(Refund.reason, Refund.actor, Refund.state))] == [("a scratch", desk.email, "captured")]
    assert "Given back" in words(desk.see(f"/admin/orders/{number}"))


def test_pieces_go_back_at_what_they_cost_and_the_last_part_takes_the_rest(desk, bank):
    number = paid(bank, pieces=3, price=999)
    line = line_of(number)
    for _part in range(3):
        page = desk.see(page_of(number))
        assert desk.press(page, page_of(number), restocks="", **{f"pieces__{line.id}": "1"}).status_code == 303

    assert bank.totals()[1] == line.gross_minor
    assert f'name="pieces-{line.id}"' not in desk.see(page_of(number))


def test_pieces_come_back_to_the_shelf_once_and_only_those_that_had_left(desk, bank):
    number = paid(bank, pieces=2, ships=True)
    line, before = line_of(number), row(select(StockItem.on_hand)).on_hand

    desk.press(desk.see(page_of(number)), page_of(number), **{f"pieces__{line.id}": "2", "restocks": "y"})

    assert row(select(StockItem.on_hand)).on_hand == before + 2
    assert [found.delta for found in rows(select(StockMovement.delta).where(StockMovement.reason == "return"))] == [2]
    kept = paid(bank, pieces=2)
    refused = desk.press(desk.see(page_of(kept)), page_of(kept), **{f"pieces__{line_of(kept).id}": "1", "restocks": "y"})
    assert refused.status_code == 422
    assert "not with the customer" in refused.text
    assert bank.totals()[1] == line.gross_minor


@pytest.mark.parametrize("typed", [{}, {"amount": "0"}, {"amount": "-1"}, {"amount": "NaN"}, {"amount": "1e3"}, {"amount": "1.001"}])
def test_what_is_no_amount_gives_nothing_back(desk, bank, typed):
    number = paid(bank)

    assert desk.press(desk.see(page_of(number)), page_of(number), **typed).status_code == 422
    assert bank.totals()[1] == 0


def test_more_than_came_is_refused_and_says_what_is_left(desk, bank):
    number = paid(bank)

    answer = desk.press(desk.see(page_of(number)), page_of(number), amount="999.00")

    assert answer.status_code == 409
    assert "can go back" in answer.text
    assert bank.totals()[1] == 0


def test_twenty_refunds_at_once_never_exceed_what_came(app, bank):
    """F09: two of the staff, twenty clicks."""
    number = paid(bank)
    payment, total = payment_of(number), order_of(number).total.minor
    half = total // 2 + 1

    answers = in_parallel(
        app,
        [
            lambda click=click: refund_payment(payment.id, press=f"press-{click}-of-many", amount_minor=half, by="a@b.example", at=NOON)
            for click in range(20)
        ],
    )

    assert sum(answer is State.CAPTURED for answer in answers) == 1
    assert sum(isinstance(answer, IllegalMove) for answer in answers) == 19
    assert bank.totals() == (total, half)
    assert payment_of(number).refunded_minor == half


def test_a_refund_that_the_gateway_refuses_is_free_again_and_seen(desk, bank):
    number = paid(bank)
    bank.refund(payment_of(number).key, 100, "somebody at the bank")
    total = order_of(number).total

    answer = desk.press(desk.see(page_of(number)), page_of(number), amount=str(total.to_decimal()))

    assert answer.status_code == 303
    assert payment_of(number).refunded_minor == 0
    assert "Refused by the gateway" in words(desk.see(f"/admin/orders/{number}"))
    assert order_of(number).payment_state is PaymentState.PAID


def test_pieces_of_a_refused_refund_stay_with_the_customer_and_can_be_paid_back_again(desk, bank):
    number = paid(bank, pieces=2, ships=True)
    line, payment, before = line_of(number), payment_of(number), row(select(StockItem.on_hand)).on_hand
    bank.refund(payment.key, payment.captured_minor - 100, "somebody at the bank")

    state = give(payment.id, press="first", pieces={line.id: 2}, restocks=True, by="a@b.example", at=NOON)

    assert state is State.FAILED
    assert (line_of(number).returned_quantity, line_of(number).refunded_quantity, line_of(number).refunded_minor) == (0, 0, 0)
    assert row(select(StockItem.on_hand)).on_hand == before
    assert inside(broken_rules_of_lines)() == set()
    assert inside(reckon_lines)(line.order_id)[line.id].may_refund == 2


def broken_rules_of_lines() -> set[str]:
    return {result.rule for result in run_audit(at=NOON, only=("I02", "S02", "R01", "R02")).broken}


def test_pieces_of_a_refund_by_hand_are_held_and_on_the_shelf_once_the_money_was_sent(context):
    made = make_order([(make_product(price=1000, stock=10), 3)])
    record_bank_payment(made.id, by="boss@example.com", at=NOON)
    ship_order(made.id, by="boss@example.com", at=NOON)
    line, payment, before = line_of(made.number), payment_of(made.number), row(select(StockItem.on_hand)).on_hand

    refund_payment(payment.id, press="first", pieces={line.id: 2}, restocks=True, by="boss@example.com", at=NOON)
    assert row(select(StockItem.on_hand)).on_hand == before
    assert reckon_lines(made.id)[line.id].may_return == 1
    assert broken_rules_of_lines() == set()
    record_bank_refund(row(select(Refund.id)).id, by="boss@example.com", at=NOON)

    assert row(select(StockItem.on_hand)).on_hand == before + 2
    assert broken_rules_of_lines() == set()


def test_a_refund_by_hand_waits_for_a_person(desk):
    made = inside(make_order)()
    inside(record_bank_payment)(made.id, by="boss@example.com", at=NOON)

    desk.press(desk.see(page_of(made.number)), page_of(made.number), amount="1.00")

    assert row(select(Refund.state)).state is State.PENDING
    assert "Send it by hand" in words(desk.see(f"/admin/orders/{made.number}"))
    assert inside(sweep_refunds)(NOON.replace(year=2030)) == 0


def test_programs_give_back_the_same(desk, bank):
    number = paid(bank)
    line, payment = line_of(number), payment_of(number)
    address, body = f"/api/v1/orders/{number}/payments/{payment.id}/refunds", {"lines": [{"id": line.id, "quantity": 1}]}

    first = desk.client.post(address, json=body, headers={"Idempotency-Key": "k1"})
    again = desk.client.post(address, json=body, headers={"Idempotency-Key": "k1"})
    beside = desk.client.post(address, json={"amount": {"minor": 100, "currency": "EUR"}})
    wrong = desk.client.post(address, json={"lines": [{"id": line.id, "quantity": 3}]})
    nothing = desk.client.post(address, json={})

    assert (first.status_code, again.status_code, beside.status_code, wrong.status_code, nothing.status_code) == (201, 201, 201, 422, 422)
    assert bank.totals()[1] == line.gross_minor // 3 + 100
    assert [found["state"] for found in beside.json["refunds"]] == ["captured", "captured"]
    assert [tuple(found) for found in rows(select(RefundLine.quantity, RefundLine.amount_minor))] == [(1, line.gross_minor // 3)]
    assert desk.client.get(f"/api/v1/orders/{number}/payments").json["payments"][0]["refunded"]["minor"] == bank.totals()[1]


def test_what_is_promised_is_captured_once_or_let_go(desk, bank):
    taken, let_go = (paid(bank, captures_at_once=False) for _ in range(2))
    assert order_of(taken).payment_state is PaymentState.AUTHORIZED
    for number, verb in ((taken, "capture"), (let_go, "void")):
        page, action = desk.see(f"/admin/orders/{number}"), f"/admin/orders/{number}/payments/{payment_of(number).id}/{verb}"

        assert [desk.press(page, action).status_code for _click in range(2)] == [303, 303]

        assert not offers(desk.see(f"/admin/orders/{number}"), action)
    assert (order_of(taken).payment_state, order_of(let_go).payment_state) == (PaymentState.PAID, PaymentState.UNPAID)
    assert bank.totals()[0] == order_of(taken).total.minor


def test_programs_capture_and_let_go(desk, bank):
    number = paid(bank, captures_at_once=False)
    address = f"/api/v1/orders/{number}/payments/{payment_of(number).id}"

    captured = desk.client.post(f"{address}/capture", json={})
    again = desk.client.post(f"{address}/capture", json={})
    let_go = desk.client.post(f"{address}/void", json={})

    assert (captured.status_code, captured.json["payment"]["state"]) == (200, "paid")
    assert (again.status_code, let_go.status_code) == (409, 409)
    assert bank.totals()[0] == order_of(number).total.minor


def test_ten_captures_at_once_take_once(app, bank):
    from shop.payment.services import capture_payment

    number = paid(bank, captures_at_once=False)
    payment = payment_of(number)

    in_parallel(app, [lambda: capture_payment(payment.id, by="a@b.example", at=NOON)] * 10)

    assert bank.totals()[0] == order_of(number).total.minor
    assert [entry.kind for entry in order_of(number).entries].count("paid") == 1


def test_a_payment_of_another_order_is_not_found(desk, bank):
    mine, other = paid(bank), paid(bank)
    foreign = payment_of(other).id

    assert desk.client.get(f"/admin/orders/{mine}/payments/{foreign}/refund").status_code == 404
    for verb in ("capture", "void", "refunds"):
        assert desk.client.post(f"/api/v1/orders/{mine}/payments/{foreign}/{verb}", json={}).status_code == 404


def test_nobody_else_gives_money_back(app, bank):
    number = paid(bank)
    make_user("eve@example.com")
    eve = app.test_client()
    log_in(eve, "eve@example.com")

    for visitor, status in ((eve, 403), (app.test_client(), 401)):
        assert visitor.post(f"/api/v1/orders/{number}/payments/{payment_of(number).id}/refunds", json={}).status_code == status
    assert bank.totals()[1] == 0


def test_the_guard_of_the_table_stands_behind_the_guard_of_the_statement(bank):
    from sqlalchemy.exc import IntegrityError

    number = paid(bank)
    with pytest.raises(IntegrityError, match="refunded_range"):
        change(update(Payment).where(Payment.id == payment_of(number).id).values(refunded_minor=Payment.captured_minor + 1))


def test_pieces_that_were_not_bought_are_refused(bank):
    number = paid(bank, pieces=2)
    line, payment = line_of(number), payment_of(number)
    for pieces in ({line.id: 3}, {line.id + 1000: 1}, {line.id: 0}):
        with pytest.raises(Invalid):
            give(payment.id, press=f"press-{pieces}", pieces=pieces, by="a@b.example", at=NOON)
    assert bank.totals()[1] == 0
