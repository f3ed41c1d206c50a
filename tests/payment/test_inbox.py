"""Messages of gateways: forged, replayed, doubled, out of order, about something else. One effect, one mail, one truth.

Named after what other shops met in life (``reliability``, 1.2): medusa#13301, pretix#1166, pretix#1233, paid-memberships-pro#3649, eventyay#1924.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from itertools import permutations

import pytest
from sqlalchemy import func, insert, select

from shop.audit.services import run_audit
from shop.db import row, rows, scalar, transaction
from shop.errors import IllegalMove
from shop.mail.models import Mail
from shop.order.models import Order, OrderState, PaymentState
from shop.order.services import cancel_order
from shop.outbox.courier import deliver_due
from shop.payment.asking import margin
from shop.payment.gateways.base import Answer, Forged, NoAnswer, Truth
from shop.payment.gateways.stripe import StripeCard
from shop.payment.gateways.test_card import TestCard
from shop.payment.inbox import MOST_TRIES, receive_message, revive_message, sweep_messages
from shop.payment.models import Dispute, GatewayMessage, MessageState, Payment, Refund, State
from shop.payment.queries import gateways
from shop.payment.refunds import refund_payment, sweep_refunds
from shop.payment.services import capture_payment, record_attempt, settle, settle_order, start_payment, sweep_payments, void_payment
from shop.payment.signatures import HEADER, TOLERANCE_S, sign
from shop.payment.test_bank.books import TestBank
from tests.factories import NOON
from tests.orders import make_order
from tests.payment.stripes import WEBHOOK_SECRETS, FakeStripe, running_stripe, settings_for, signed
from tests.races import in_parallel

SECRETS = ("new secret", "old secret")


@pytest.fixture
def bank(context, tmp_path, monkeypatch) -> TestBank:
    made = TestBank(tmp_path / "bank.db")
    monkeypatch.setitem(gateways(), "test_card", TestCard(made, secrets=SECRETS))
    return made


@pytest.fixture
def order(bank) -> Order:
    made = make_order(payment_method="test_card")
    start_payment(made.id, gateway="test_card", at=NOON)
    return made


@pytest.fixture
def stripe(context, monkeypatch) -> Iterator[FakeStripe]:
    with running_stripe() as made:
        monkeypatch.setitem(gateways(), "stripe", StripeCard(settings_for(made.url)))
        yield made


@pytest.fixture
def by_stripe(stripe) -> Order:
    made = make_order(payment_method="stripe")
    start_payment(made.id, gateway="stripe", at=NOON)
    return made


def newest(order):
    return row(select(Payment.__table__).where(Payment.order_id == order.id).order_by(Payment.id.desc()))


def state(order):
    return scalar(select(Order.payment_state).where(Order.id == order.id))


def message(order, kind="charge.captured", *, event_id="evt_1", **changes) -> bytes:
    about = {"key": newest(order).key, "reference": newest(order).reference, **changes}
    return json.dumps({"id": event_id, "kind": kind, "is_live": False, "charge": about}).encode()


def tell(body, *, secrets=SECRETS[:1], at=NOON):
    return receive_message("test_card", body, {HEADER: sign(body, secrets, at=at)}, at=NOON)


def approve(order, bank):
    bank.decide(newest(order).reference, Truth.CAPTURED)


def mails():
    """How many mails say that the payment is here."""
    while deliver_due(at=NOON + timedelta(days=1)).delivered:
        pass
    return scalar(select(func.count()).where(Mail.subject.like("Your payment for order % is here")))


def count(model):
    return scalar(select(func.count()).select_from(model))


# Forged


@pytest.mark.parametrize("place", range(0, 90, 7))
def test_a_message_with_one_bit_changed_is_refused_and_leaves_nothing(order, bank, place):
    body = bytearray(message(order))
    header = sign(bytes(body), SECRETS, at=NOON)
    body[place] ^= 1

    with pytest.raises(Forged):
        receive_message("test_card", bytes(body), {HEADER: header}, at=NOON)

    assert count(GatewayMessage) == 0


@pytest.mark.parametrize("header", ["", "v1=", "t=1", "t=x,v1=00", "t=1,v0=00", "t=²,v1=00", "v1=é", "t=99999999999999,v1=1"])
def test_a_message_without_a_signature_is_refused(order, header):
    with pytest.raises(Forged):
        receive_message("test_card", message(order), {HEADER: header}, at=NOON)


@pytest.mark.parametrize(("seconds", "is_taken"), [(0, True), (-TOLERANCE_S, True), (-TOLERANCE_S - 1, False), (TOLERANCE_S + 1, False)])
def test_a_message_older_than_five_minutes_is_refused(order, seconds, is_taken):

    sent_at = NOON + timedelta(seconds=seconds)
    if is_taken:
        tell(message(order), at=sent_at)
    else:
        with pytest.raises(Forged):
            tell(message(order), at=sent_at)


@pytest.mark.parametrize(("secret", "is_taken"), [(SECRETS[0], True), (SECRETS[1], True), ("another", False)])
def test_both_secrets_count_while_they_are_changed(order, secret, is_taken):
    if is_taken:
        assert tell(message(order), secrets=[secret]) is MessageState.HANDLED
    else:
        with pytest.raises(Forged):
            tell(message(order), secrets=[secret])


# What it may not say


def test_a_message_that_lies_about_the_money_changes_nothing(order):
    tell(message(order, "charge.captured", truth="captured", amount_minor=1))

    assert state(order) is PaymentState.UNPAID


@pytest.mark.parametrize("changes", [{"key": "nobody", "reference": "none"}, {"key": "", "reference": ""}])
def test_a_message_about_an_unknown_order_is_kept_and_ignored(order, changes, caplog):
    assert tell(message(order, **changes)) is MessageState.IGNORED

    assert row(select(GatewayMessage.state, GatewayMessage.note)) == ("ignored", "it is about no payment of this shop")
    assert "ignored" in caplog.text


def test_real_money_in_a_test_shop_is_ignored(order, bank):
    approve(order, bank)
    body = json.dumps({**json.loads(message(order)), "is_live": True}).encode()

    assert tell(body) is MessageState.IGNORED
    assert state(order) is PaymentState.UNPAID


@pytest.mark.parametrize(("amount", "currency"), [(1, "EUR"), (1940, "USD")])
def test_another_amount_or_currency_is_not_paid(order, bank, monkeypatch, amount, currency):
    answer = Answer(truth=Truth.CAPTURED, amount_minor=amount, currency=currency, reference=newest(order).reference)
    monkeypatch.setattr(TestCard, "look_up", lambda *_, **__: answer)

    tell(message(order))
    tell(message(order, event_id="evt_2"))

    assert state(order) is PaymentState.CHECKING
    assert mails() == 0


# Once


def test_fifty_copies_at_once_have_one_effect_and_one_mail(app, order, bank):
    """paid-memberships-pro#3649: duplicates each removed "the other". eventyay#1924: two calls, two payments."""
    approve(order, bank)
    body = message(order)

    answers = in_parallel(app, [lambda: tell(body)] * 50)

    assert set(answers) == {MessageState.HANDLED}
    assert (count(GatewayMessage), state(order), newest(order).captured_minor) == (1, PaymentState.PAID, order.total_minor)
    assert mails() == 1


def test_redirect_and_messages_in_every_order_end_the_same(bank):
    """medusa#13301: redirect and webhook both finish the cart. pretix#1166: the mail twice. dj-stripe#1267: deadlocks."""
    acts = {
        "message": lambda order: tell(message(order, event_id=f"evt_{order.id}")),
        "again": lambda order: tell(message(order, event_id=f"evt_{order.id}")),
        "another": lambda order: tell(message(order, "charge.waiting", event_id=f"evt_b{order.id}")),
        "redirect": lambda order: settle_order(order.id, at=NOON),
    }
    for number, way in enumerate(permutations(acts), 1):
        order = make_order(payment_method="test_card")
        start_payment(order.id, gateway="test_card", at=NOON)
        approve(order, bank)

        for name in way:
            acts[name](order)

        assert state(order) is PaymentState.PAID, way
        assert mails() == number


def test_redirect_message_and_sweep_at_once_pay_once(app, order, bank):
    approve(order, bank)

    in_parallel(
        app,
        [
            *[lambda: tell(message(order))] * 5,
            *[lambda: settle_order(order.id, at=NOON)] * 5,
            *[lambda: sweep_payments(NOON + margin() * 30)] * 3,
        ],
    )

    assert state(order) is PaymentState.PAID
    assert bank.totals() == (order.total_minor, 0)
    assert mails() == 1


def test_whoever_never_comes_back_is_found_by_the_message_alone(order, bank):
    approve(order, bank)

    tell(message(order))

    assert state(order) is PaymentState.PAID


def test_an_older_message_never_takes_a_state_back(order, bank):
    approve(order, bank)
    tell(message(order, "charge.captured", event_id="evt_2"))

    for kind in ("charge.waiting", "charge.declined", "charge.voided"):
        tell(message(order, kind, event_id=f"late {kind}"))

    assert state(order) is PaymentState.PAID


def test_a_message_whose_taker_was_stopped_is_acted_on_by_the_sweep(order, bank, monkeypatch):
    approve(order, bank)
    monkeypatch.setattr("shop.payment.inbox.settle", lambda *_, **__: 1 // 0)
    with pytest.raises(ZeroDivisionError):
        tell(message(order))
    monkeypatch.undo()
    monkeypatch.setitem(gateways(), "test_card", TestCard(bank, secrets=SECRETS))
    assert state(order) is PaymentState.UNPAID

    assert sweep_messages(NOON) == 0
    assert sweep_messages(NOON + margin()) == 1

    assert state(order) is PaymentState.PAID


def test_a_message_that_finds_its_gateway_silent_waits_until_it_speaks(order, bank, monkeypatch):
    """Money given back on the bank's own pages: nobody else would ever ask for it."""
    approve(order, bank)
    settle_order(order.id, at=NOON)
    bank.refund(newest(order).key, 500, "by hand")

    with monkeypatch.context() as silence:
        silence.setattr(TestCard, "look_up", silent)
        with pytest.raises(NoAnswer):
            tell(message(order, "charge.refunded"))
        sweep_messages(NOON + margin())
        assert (scalar(select(GatewayMessage.state)), count(Refund)) == (MessageState.RECEIVED, 0)
    sweep_messages(NOON + margin() + timedelta(seconds=2))

    assert (scalar(select(GatewayMessage.state)), newest(order).refunded_minor) == (MessageState.HANDLED, 500)


def test_a_message_that_can_never_be_acted_on_is_given_up_and_tried_again_when_somebody_says_so(order, bank, monkeypatch):
    approve(order, bank)
    settle_order(order.id, at=NOON)
    bank.refund(newest(order).key, 500, "somebody at the bank")
    with monkeypatch.context() as patched:
        patched.setattr(TestCard, "look_up", silent)
        with pytest.raises(NoAnswer):
            tell(message(order))
        at, tried = NOON + margin(), 0
        while sweep_messages(at):
            at, tried = row(select(GatewayMessage.due_at)).due_at, tried + 1

    given_up = row(select(GatewayMessage.state, GatewayMessage.tries, GatewayMessage.note))
    assert (given_up.state, given_up.tries, tried) == (MessageState.GIVEN_UP, MOST_TRIES, MOST_TRIES)
    assert "does not answer" in given_up.note
    assert timedelta(hours=12) < at - NOON < timedelta(days=2)
    assert [result.rule for result in run_audit(at=at + timedelta(days=1), only=["I13"]).broken] == []

    revive_message(row(select(GatewayMessage.id)).id, at=at)
    assert sweep_messages(at) == 1
    assert (row(select(GatewayMessage.state)).state, newest(order).refunded_minor) == (MessageState.HANDLED, 500)
    with pytest.raises(IllegalMove):
        revive_message(row(select(GatewayMessage.id)).id, at=at)


def test_a_message_that_was_given_up_is_acted_on_when_the_gateway_sends_it_again(order, bank):
    approve(order, bank)
    with transaction() as session:
        values = {"gateway": "test_card", "event_id": "evt_1", "kind": "charge.captured", "received_at": NOON, "due_at": NOON}
        session.execute(insert(GatewayMessage).values(**values, state=MessageState.GIVEN_UP, note="", tries=MOST_TRIES))

    assert tell(message(order)) is MessageState.HANDLED
    assert state(order) is PaymentState.PAID


def silent(*_, **__):
    raise NoAnswer


# By Stripe, over its own wire


def hear(stripe, kind, about, *, at=None, secret=WEBHOOK_SECRETS[0], **more):
    body = stripe.event(kind, about, **more)
    return receive_message("stripe", body, signed(body, secret, at=at), at=NOON)


def session_of(stripe, order):
    return stripe.objects[newest(order).reference]


def test_stripe_pays_by_message_and_by_redirect_once(stripe, by_stripe):
    stripe.approve(newest(by_stripe).reference)

    assert hear(stripe, "checkout.session.completed", session_of(stripe, by_stripe)) is MessageState.HANDLED
    hear(stripe, "payment_intent.succeeded", stripe.intent(newest(by_stripe).reference), secret=WEBHOOK_SECRETS[1])
    settle_order(by_stripe.id, at=NOON)

    assert state(by_stripe) is PaymentState.PAID
    assert stripe.ledger() == (by_stripe.total_minor, 0)
    assert mails() == 1


def test_stripe_messages_are_signed_fresh_and_of_our_mode(stripe, by_stripe):
    import time

    stripe.approve(newest(by_stripe).reference)
    about = session_of(stripe, by_stripe)
    with pytest.raises(Forged):
        hear(stripe, "checkout.session.completed", about, secret="whsec_other")
    with pytest.raises(Forged):
        hear(stripe, "checkout.session.completed", about, at=int(time.time()) - 301)

    assert hear(stripe, "checkout.session.completed", about, livemode=True) is MessageState.IGNORED
    assert state(by_stripe) is PaymentState.UNPAID


def test_a_lost_answer_of_stripe_opens_one_page_only(stripe):
    order = make_order(payment_method="stripe")
    stripe.is_silent = True
    assert start_payment(order.id, gateway="stripe", at=NOON).state is State.UNKNOWN
    assert state(order) is PaymentState.CHECKING

    stripe.is_silent = False
    sweep_payments(NOON + margin())

    assert (newest(order).state, state(order)) == (State.PENDING, PaymentState.UNPAID)
    assert sum(one["object"] == "checkout.session" for one in stripe.objects.values()) == 1
    assert start_payment(order.id, gateway="stripe", at=NOON + margin()).url == session_of(stripe, order)["url"]


def test_a_confirmation_may_take_hours_and_nothing_is_called_failed_meanwhile(stripe, by_stripe):
    stripe.challenge(newest(by_stripe).reference)

    for _hour in range(3):
        settle_order(by_stripe.id, at=NOON)

    assert (state(by_stripe), newest(by_stripe).state) == (PaymentState.UNPAID, State.PENDING)
    stripe.approve(newest(by_stripe).reference)
    settle_order(by_stripe.id, at=NOON)
    assert state(by_stripe) is PaymentState.PAID


def test_manual_capture_is_authorized_then_taken_or_let_go(stripe, monkeypatch):
    gateway = gateways()["stripe"]
    gateway.settings = replace(gateway.settings, captures_at_once=False)
    taken, let_go = (make_order(payment_method="stripe") for _ in range(2))
    for order in (taken, let_go):
        start_payment(order.id, gateway="stripe", at=NOON)
        stripe.approve(newest(order).reference)
        settle_order(order.id, at=NOON)
        assert (state(order), newest(order).captured_minor) == (PaymentState.AUTHORIZED, 0)

    capture_payment(newest(taken).id, by="nuria@example.com", at=NOON)
    void_payment(newest(let_go).id, by="nuria@example.com", at=NOON)

    assert (state(taken), state(let_go)) == (PaymentState.PAID, PaymentState.UNPAID)
    assert stripe.ledger() == (taken.total_minor, 0)


def test_what_staff_gives_back_on_stripes_own_pages_is_found_once(stripe, by_stripe):
    stripe.approve(newest(by_stripe).reference)
    settle_order(by_stripe.id, at=NOON)
    refund = stripe.refund_by_hand(newest(by_stripe).reference, 500)

    hear(stripe, "refund.created", refund)
    hear(stripe, "charge.refunded", {"id": "ch_x", "object": "charge", "payment_intent": refund["payment_intent"]})

    assert rows(select(Refund.amount_minor, Refund.state, Refund.actor)) == [(500, State.CAPTURED, "stripe")]
    assert (state(by_stripe), newest(by_stripe).refunded_minor) == (PaymentState.PARTLY_REFUNDED, 500)


def test_a_lost_answer_to_a_refund_gives_back_once(stripe, by_stripe):
    stripe.approve(newest(by_stripe).reference)
    settle_order(by_stripe.id, at=NOON)
    stripe.is_silent = True
    wish = {"press": "p1", "amount_minor": 700, "by": "nuria@example.com", "at": NOON}
    assert refund_payment(newest(by_stripe).id, **wish) is State.UNKNOWN

    stripe.is_silent = False
    assert sweep_refunds(NOON) == 0
    assert sweep_refunds(NOON + margin()) == 1

    assert stripe.ledger() == (by_stripe.total_minor, 700)
    assert row(select(Refund.state, Refund.amount_minor)) == (State.CAPTURED, 700)


def test_a_refund_that_may_have_gone_stays_set_aside_while_stripe_shows_us_nothing(stripe, by_stripe):
    stripe.approve(newest(by_stripe).reference)
    settle_order(by_stripe.id, at=NOON)
    stripe.is_silent = True
    refund_payment(newest(by_stripe).id, press="p1", amount_minor=700, by="nuria@example.com", at=NOON)
    stripe.is_silent = False
    gateway = gateways()["stripe"]
    gateways()["stripe"] = StripeCard(replace(gateway.settings, secret_key="withdrawn"))

    sweep_refunds(NOON + margin())

    assert (scalar(select(Refund.state)), newest(by_stripe).refunded_minor) == (State.UNKNOWN, 700)
    gateways()["stripe"] = gateway
    sweep_refunds(NOON + 2 * margin())
    assert (scalar(select(Refund.state)), stripe.ledger()[1]) == (State.CAPTURED, 700)


def test_a_dispute_is_recorded_once_and_its_end_is_never_taken_back(stripe, by_stripe):
    stripe.approve(newest(by_stripe).reference)
    settle_order(by_stripe.id, at=NOON)
    dispute = stripe.dispute(newest(by_stripe).reference)
    hear(stripe, "charge.dispute.created", dispute)
    hear(stripe, "charge.dispute.created", dispute)
    assert row(select(Dispute.state, Dispute.amount_minor, Dispute.reason)) == ("open", by_stripe.total_minor, "fraudulent")

    stripe.dispute(newest(by_stripe).reference, "lost")
    hear(stripe, "charge.dispute.closed", dispute)
    stripe.dispute(newest(by_stripe).reference, "needs_response")
    hear(stripe, "charge.dispute.updated", dispute)

    assert row(select(Dispute.state, func.count().over())) == ("lost", 1)


def test_a_dispute_whose_taker_was_stopped_is_not_lost(stripe, by_stripe, monkeypatch):
    stripe.approve(newest(by_stripe).reference)
    settle_order(by_stripe.id, at=NOON)
    with monkeypatch.context() as stopped:
        stopped.setattr("shop.payment.inbox.settle", lambda *_, **__: 1 // 0)
        with pytest.raises(ZeroDivisionError):
            hear(stripe, "charge.dispute.created", stripe.dispute(newest(by_stripe).reference))

    sweep_messages(NOON + margin())

    assert scalar(select(GatewayMessage.state)) is MessageState.HANDLED
    assert rows(select(Dispute.state, Dispute.amount_minor)) == [("open", by_stripe.total_minor)]


# Late


def test_money_for_an_order_that_a_person_canceled_goes_back_by_itself(order, bank):
    """pretix#74: the goods were gone, the money was kept."""
    cancel_order(order.id, by="nuria@example.com", at=NOON)
    approve(order, bank)

    tell(message(order))
    assert mails() == 0

    assert bank.totals() == (order.total_minor, order.total_minor)
    assert scalar(select(Order.state).where(Order.id == order.id)) is OrderState.CANCELED
    assert state(order) is PaymentState.REFUNDED


def test_a_second_attempt_that_is_paid_as_well_goes_back(order, bank):
    """pretix#1233: the customer saw "failed", was charged, and bought again."""
    first = newest(order)
    bank.decide(first.reference, Truth.DECLINED, reason="The card was declined.")
    settle(first.id, at=NOON)
    record_attempt(order.id, gateway="test_card", amount_minor=order.total_minor, currency="EUR", at=NOON)
    start_payment(order.id, gateway="test_card", at=NOON)
    approve(order, bank)
    settle_order(order.id, at=NOON)
    with bank._books() as books:
        books.execute("UPDATE charges SET truth = 'waiting' WHERE reference = ?", (first.reference,))
    bank.decide(first.reference, Truth.CAPTURED)

    body = json.dumps({"id": "e9", "kind": "charge.captured", "is_live": False, "charge": {"key": first.key, "reference": first.reference}})
    tell(body.encode())
    mails()

    assert bank.totals() == (2 * order.total_minor, order.total_minor)
    assert state(order) is PaymentState.PAID
