"""Paying in three steps: one effect whatever order the news come in, no charge twice, no money forgotten."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from itertools import permutations
from typing import Any

import pytest
from sqlalchemy import event, func, select

from shop.db import db, row, rows, scalar
from shop.errors import IllegalMove, Invalid
from shop.order.models import Order, OrderEntry, PaymentState
from shop.order.services import cancel_order
from shop.outbox import Happened
from shop.outbox.models import Event
from shop.payment import tasks
from shop.payment.asking import margin
from shop.payment.gateways.base import Answer, NoAnswer, Truth
from shop.payment.gateways.test_card import TestCard
from shop.payment.models import Payment, Refund, State
from shop.payment.queries import gateways, list_refunds
from shop.payment.refunds import record_bank_refund, refund_rest
from shop.payment.services import (
    EXPIRY,
    PATIENCE,
    record_bank_payment,
    settle,
    settle_order,
    start_payment,
    sweep_payments,
)
from shop.payment.test_bank.books import SILENCE, TestBank
from tests.factories import NOON
from tests.orders import make_order
from tests.races import in_parallel

LATER = NOON + timedelta(minutes=5)


@pytest.fixture
def bank(context, tmp_path, monkeypatch) -> TestBank:
    """A test bank with empty books."""
    made = TestBank(tmp_path / "bank.db")
    monkeypatch.setitem(gateways(), "test_card", TestCard(made))
    return made


@pytest.fixture
def order(bank) -> Order:
    return make_order(payment_method="test_card")


def start(order: Order, gateway: str = "test_card") -> str:
    """Send the customer to the bank; gives the reference of the charge there."""
    start_payment(order.id, gateway=gateway, at=NOON)
    return str(newest(order).reference)


def newest(order: Order) -> Any:
    return row(select(Payment.__table__).where(Payment.order_id == order.id).order_by(Payment.id.desc()))


def payment_state(order: Order) -> PaymentState:
    return scalar(select(Order.payment_state).where(Order.id == order.id))


def events(kind: str) -> list[dict[str, Any]]:
    return [found.payload for found in rows(select(Event.payload).where(Event.kind == kind).order_by(Event.id))]


def deliver(kind: str, consumer: Callable[[Happened], None]) -> None:
    for payload in events(kind):
        consumer(Happened(1, kind, "order:1", payload, NOON))


def entries(order: Order) -> list[str]:
    return [found.kind for found in rows(select(OrderEntry.kind).where(OrderEntry.order_id == order.id).order_by(OrderEntry.id))]


def test_approved_on_the_banks_page(order, bank):
    reference = start(order)
    bank.decide(reference, Truth.CAPTURED)

    settle_order(order.id, at=NOON)
    settle_order(order.id, at=NOON)

    assert payment_state(order) is PaymentState.PAID
    assert (newest(order).state, newest(order).captured_minor) == (State.CAPTURED, order.total_minor)
    assert len(events("order.paid")) == 1


def test_starting_again_leads_to_the_same_page(order, bank):
    first = start_payment(order.id, gateway="test_card", at=NOON)
    again = start_payment(order.id, gateway="test_card", at=NOON)

    assert first == again
    assert first.url == f"/payments/{newest(order).reference}/test-card"
    assert scalar(select(func.count()).select_from(Payment)) == 1


def test_declined_may_be_tried_again(order, bank):
    bank.decide(start(order), Truth.DECLINED, reason="The card was declined.")
    settle_order(order.id, at=NOON)
    assert (payment_state(order), newest(order).state, newest(order).error) == (PaymentState.UNPAID, State.FAILED, "The card was declined.")

    bank.decide(start(order), Truth.CAPTURED)
    settle_order(order.id, at=NOON)

    assert payment_state(order) is PaymentState.PAID
    assert entries(order) == ["payment_failed", "paid"]


def test_a_lost_answer_is_checked_and_never_charged_again(order, bank):
    bank.decide(start(order), Truth.CAPTURED, silent_until=NOON + SILENCE)
    settle_order(order.id, at=NOON)
    assert (payment_state(order), newest(order).state) == (PaymentState.CHECKING, State.UNKNOWN)

    assert start_payment(order.id, gateway="test_card", at=NOON).state is State.UNKNOWN
    assert start_payment(order.id, gateway="bank_transfer", at=NOON).state is State.UNKNOWN
    assert sweep_payments(NOON + timedelta(seconds=30)) == 0
    assert sweep_payments(LATER) == 1

    assert payment_state(order) is PaymentState.PAID
    assert bank.totals() == (order.total_minor, 0)
    assert entries(order) == ["checking", "paid"]


def test_a_lost_answer_of_a_charge_that_never_was_lets_the_customer_pay(order, bank, monkeypatch):
    monkeypatch.setattr(TestCard, "start", refuse_to_answer)
    assert start_payment(order.id, gateway="test_card", at=NOON).state is State.UNKNOWN
    assert payment_state(order) is PaymentState.CHECKING

    monkeypatch.undo()
    monkeypatch.setitem(gateways(), "test_card", TestCard(bank))
    sweep_payments(LATER)

    assert (payment_state(order), newest(order).state) == (PaymentState.UNPAID, State.FAILED)
    assert start_payment(order.id, gateway="test_card", at=LATER).url


def refuse_to_answer(*_: Any, **__: Any) -> Answer:
    raise NoAnswer("planted")


def test_what_may_still_be_in_flight_is_left_alone(order, bank):
    assert newest(order).state is State.ATTEMPTING

    assert sweep_payments(NOON + margin() - timedelta(seconds=1)) == 0
    assert newest(order).state is State.ATTEMPTING
    assert sweep_payments(NOON + margin()) == 1

    assert newest(order).state is State.FAILED


def test_a_customer_who_never_came_back_is_found(order, bank):
    bank.decide(start(order), Truth.CAPTURED)

    assert sweep_payments(NOON + PATIENCE - timedelta(seconds=1)) == 0
    sweep_payments(NOON + PATIENCE)

    assert payment_state(order) is PaymentState.PAID


def test_a_page_that_nobody_answered_is_closed_after_a_day(order, bank):
    reference = start(order)

    sweep_payments(NOON + EXPIRY)

    assert newest(order).state is State.VOIDED
    assert not bank.decide(reference, Truth.CAPTURED)
    assert payment_state(order) is PaymentState.UNPAID


def test_one_that_cannot_be_settled_does_not_stop_the_others(bank, monkeypatch):
    orders = [make_order(payment_method="test_card") for _ in range(3)]
    for order in orders:
        bank.decide(start(order), Truth.CAPTURED)
    poison, look_up = newest(orders[0]).key, TestCard.look_up
    monkeypatch.setattr(TestCard, "look_up", lambda self, asked, at: 1 // 0 if asked.key == poison else look_up(self, asked, at=at))

    sweep_payments(NOON + PATIENCE)

    assert [payment_state(order) for order in orders] == ["unpaid", "paid", "paid"]


@pytest.mark.parametrize(("amount", "currency"), [(1, "EUR"), (1940, "USD")])
def test_another_amount_than_asked_is_not_paid(order, bank, monkeypatch, amount, currency):
    bank.decide(start(order), Truth.CAPTURED)
    monkeypatch.setattr(TestCard, "look_up", lambda *_, **__: Answer(truth=Truth.CAPTURED, amount_minor=amount, currency=currency))

    settle_order(order.id, at=NOON)
    settle_order(order.id, at=NOON)

    assert payment_state(order) is PaymentState.CHECKING
    assert entries(order) == ["payment_mismatch", "checking"]


def test_in_whatever_order_the_news_come_the_end_is_the_same(bank):
    news: dict[str, Callable[[Order], Any]] = {
        "the customer comes back": lambda order: settle_order(order.id, at=LATER),
        "the customer comes back twice": lambda order: settle_order(order.id, at=LATER),
        "the sweep looks": lambda _order: sweep_payments(NOON + PATIENCE),
        "the page is pressed again": lambda order: start_payment(order.id, gateway="test_card", at=LATER),
    }
    for way in permutations(news.values()):
        order = make_order(payment_method="test_card")
        bank.decide(start(order), Truth.CAPTURED)

        for happens in way:
            happens(order)

        assert (payment_state(order), entries(order)) == (PaymentState.PAID, ["paid"])
        assert scalar(select(func.count()).where(Payment.order_id == order.id)) == 1


def test_choosing_another_way_closes_the_first(order, bank):
    reference = start(order)

    step = start_payment(order.id, gateway="bank_transfer", at=NOON)

    assert (step.url, step.state) == (None, State.PENDING)
    assert scalar(select(Order.payment_method)) == "bank_transfer"
    assert not bank.decide(reference, Truth.CAPTURED)
    assert [found.state for found in rows(select(Payment.state).order_by(Payment.id))] == [State.VOIDED, State.PENDING]


def test_choosing_another_way_after_paying_is_seen(order, bank):
    bank.decide(start(order), Truth.CAPTURED)

    step = start_payment(order.id, gateway="bank_transfer", at=NOON)

    assert step.state is State.CAPTURED
    assert payment_state(order) is PaymentState.PAID


def test_an_unknown_way_to_pay_is_refused(order):
    with pytest.raises(Invalid):
        start_payment(order.id, gateway="pigeon", at=NOON)


# By bank


def test_staff_sees_the_money_on_the_account(bank):
    order = make_order()

    record_bank_payment(order.id, by="ana@bodega.example", at=NOON)

    assert payment_state(order) is PaymentState.PAID
    assert (newest(order).state, newest(order).captured_minor) == (State.CAPTURED, order.total_minor)
    with pytest.raises(IllegalMove):
        record_bank_payment(order.id, by="ana@bodega.example", at=NOON)


def test_money_by_bank_and_by_card_is_once_too_much_and_goes_back(order, bank):
    bank.decide(start(order), Truth.CAPTURED)

    record_bank_payment(order.id, by="ana@bodega.example", at=NOON)
    deliver("payment.refund_due", tasks.refund_due)
    deliver("payment.refund_due", tasks.refund_due)

    assert payment_state(order) is PaymentState.PAID
    assert bank.totals() == (order.total_minor, order.total_minor)
    assert entries(order) == ["paid", "paid_twice", "surplus_refunded"]


# Canceled


def test_a_canceled_order_that_was_paid_gets_its_money_back_once(order, bank):
    bank.decide(start(order), Truth.CAPTURED)
    settle_order(order.id, at=NOON)

    cancel_order(order.id, by="customer", at=NOON)
    deliver("order.canceled", tasks.refund_canceled)
    deliver("order.canceled", tasks.refund_canceled)

    assert payment_state(order) is PaymentState.REFUNDED
    assert bank.totals() == (order.total_minor, order.total_minor)
    assert newest(order).refunded_minor == order.total_minor
    assert len(events("order.refunded")) == 1


def test_a_canceled_order_can_no_longer_be_paid(order, bank):
    reference = start(order)
    cancel_order(order.id, by="ana@bodega.example", at=NOON)
    with pytest.raises(IllegalMove):
        start_payment(order.id, gateway="test_card", at=NOON)

    deliver("order.canceled", tasks.refund_canceled)

    assert not bank.decide(reference, Truth.CAPTURED)
    with pytest.raises(IllegalMove):
        start_payment(order.id, gateway="test_card", at=NOON)


def test_paid_while_staff_cancels_is_paid_back(order, bank):
    reference = start(order)
    cancel_order(order.id, by="ana@bodega.example", at=NOON)
    bank.decide(reference, Truth.CAPTURED)

    deliver("order.canceled", tasks.refund_canceled)
    deliver("payment.refund_due", tasks.refund_due)

    assert payment_state(order) is PaymentState.REFUNDED
    assert bank.totals() == (order.total_minor, order.total_minor)


def test_a_transfer_is_sent_back_by_a_person(bank):
    order = make_order()
    record_bank_payment(order.id, by="ana@bodega.example", at=NOON)
    cancel_order(order.id, by="customer", at=NOON)

    deliver("order.canceled", tasks.refund_canceled)
    assert (payment_state(order), entries(order)[-1]) == (PaymentState.PAID, "refund_noted")
    refund = list_refunds(order.id)[0]
    record_bank_refund(refund.id, by="ana@bodega.example", at=NOON)

    assert payment_state(order) is PaymentState.REFUNDED
    with pytest.raises(IllegalMove):
        record_bank_refund(refund.id, by="ana@bodega.example", at=NOON)


# Whatever breaks


class Broken(Exception):
    """Planted."""


def break_nth(n: int, monkeypatch: pytest.MonkeyPatch) -> Callable[[], None]:
    """Have the n-th statement, commit or call of the bank fail. Calls fail after they worked: the answer is what gets lost."""
    seen = {"at": 0}

    def count(*_: Any) -> None:
        seen["at"] += 1
        if seen["at"] == n:
            raise Broken(n)

    def lost(act: Callable[..., Answer]) -> Callable[..., Answer]:
        def wrapped(*args: Any, **kwargs: Any) -> Answer:
            answer = act(*args, **kwargs)
            count()
            return answer

        return wrapped

    patch = monkeypatch.context()
    within = patch.__enter__()
    for name in ("start", "look_up", "void", "refund"):
        within.setattr(TestCard, name, lost(getattr(TestCard, name)))
    engine = db.engine
    event.listen(engine, "before_cursor_execute", count)
    event.listen(engine, "commit", count)

    def undo() -> None:
        event.remove(engine, "before_cursor_execute", count)
        event.remove(engine, "commit", count)
        patch.__exit__(None, None, None)

    return undo


def audit(order: Order, bank: TestBank) -> None:
    """Ours and the bank's books say the same."""
    taken, given = bank.totals()
    assert scalar(select(func.coalesce(func.sum(Payment.captured_minor), 0))) == taken
    assert scalar(select(func.coalesce(func.sum(Refund.amount_minor), 0)).where(Refund.state == State.CAPTURED)) == given
    assert taken in {0, order.total_minor}
    assert (payment_state(order) is PaymentState.PAID) == (taken - given == order.total_minor)
    assert scalar(select(func.count()).where(OrderEntry.kind == "paid")) == (1 if taken else 0)


@pytest.mark.parametrize("ending", [Truth.CAPTURED, Truth.DECLINED])
def test_whatever_fails_while_paying_the_sweep_mends(tmp_path, context, monkeypatch, ending):
    for n in range(1, 200):
        bank = TestBank(tmp_path / f"bank-{n}.db")
        monkeypatch.setitem(gateways(), "test_card", TestCard(bank))
        order = make_order(payment_method="test_card")
        undo = break_nth(n, monkeypatch)
        try:
            start_payment(order.id, gateway="test_card", at=NOON)
            bank.decide(bank.find(newest(order).key).reference, ending)
            settle_order(order.id, at=NOON)
            has_failed = False
        except Broken:
            has_failed = True
        finally:
            undo()

        charge = bank.find(newest(order).key)
        if charge is not None:
            bank.decide(charge.reference, ending)
        sweep_payments(NOON + PATIENCE)
        is_paid = ending is Truth.CAPTURED and charge is not None
        assert payment_state(order) is (PaymentState.PAID if is_paid else PaymentState.UNPAID), n
        assert newest(order).state is (State.CAPTURED if is_paid else State.FAILED), n
        assert newest(order).captured_minor == bank.totals()[0], n
        if not has_failed:
            break
    assert n > 10


def test_whatever_fails_while_refunding_the_next_delivery_mends(tmp_path, context, monkeypatch):
    for n in range(1, 200):
        bank = TestBank(tmp_path / f"bank-{n}.db")
        monkeypatch.setitem(gateways(), "test_card", TestCard(bank))
        order = make_order(payment_method="test_card")
        bank.decide(start(order), Truth.CAPTURED)
        settle_order(order.id, at=NOON)
        cancel_order(order.id, by="customer", at=NOON)
        happened = Happened(1, "order.canceled", f"order:{order.id}", {"order_id": order.id}, NOON)
        undo = break_nth(n, monkeypatch)
        try:
            tasks.refund_canceled(happened)
            has_failed = False
        except Broken:
            has_failed = True
        finally:
            undo()

        tasks.refund_canceled(happened)
        assert payment_state(order) is PaymentState.REFUNDED, n
        assert bank.totals() == (order.total_minor, order.total_minor), n
        assert entries(order).count("refunded") == 1, n
        if not has_failed:
            break
    assert n > 10


# Races


def test_news_that_come_twenty_times_at_once_have_one_effect(app, order, bank):
    bank.decide(start(order), Truth.CAPTURED)
    payment_id = newest(order).id

    answers = in_parallel(app, [lambda: settle(payment_id, at=NOON).state] * 20)

    assert set(answers) == {State.CAPTURED}
    audit(order, bank)
    assert len(events("order.paid")) == 1


def test_the_customer_cancels_twice_and_the_bank_approves_at_the_same_moment(app, order, bank):
    reference = start(order)
    answers = in_parallel(
        app,
        [
            lambda: cancel_order(order.id, by="customer", at=NOON),
            lambda: cancel_order(order.id, by="ana@bodega.example", at=NOON),
            lambda: (bank.decide(reference, Truth.CAPTURED), settle_order(order.id, at=NOON)),
            lambda: settle_order(order.id, at=NOON),
        ],
    )

    deliver("order.canceled", tasks.refund_canceled)
    deliver("payment.refund_due", tasks.refund_due)

    assert sum(isinstance(answer, IllegalMove) for answer in answers) == 1, answers
    assert payment_state(order) is PaymentState.REFUNDED
    assert bank.totals() == (order.total_minor, order.total_minor)


def test_ten_refunds_at_once_give_back_once(app, order, bank):
    bank.decide(start(order), Truth.CAPTURED)
    settle_order(order.id, at=NOON)
    cancel_order(order.id, by="customer", at=NOON)
    payment_id = newest(order).id

    in_parallel(app, [lambda: refund_rest(payment_id, reason="canceled", by="shop", at=NOON)] * 10)

    assert bank.totals() == (order.total_minor, order.total_minor)
    assert entries(order).count("refunded") == 1
    assert scalar(select(func.count()).select_from(Refund)) == 1


def test_two_tabs_that_pay_again_make_one_attempt(app, order, bank):
    bank.decide(start(order), Truth.DECLINED)
    settle_order(order.id, at=NOON)

    steps = in_parallel(app, [lambda: start_payment(order.id, gateway="test_card", at=NOON)] * 8)

    assert len({step.url for step in steps}) == 1, steps
    assert scalar(select(func.count()).where(Payment.state == State.PENDING)) == 1
