"""One contract for every gateway; and what only the test bank does."""

from __future__ import annotations

from datetime import timedelta

import pytest

from shop.payment.gateways.base import Asked, Gateway, NoAnswer, Truth
from shop.payment.gateways.manual import BankTransfer
from shop.payment.gateways.test_card import SILENCE, Overdrawn, TestBank, TestCard
from tests.factories import NOON

ASKED = Asked(
    key="key-1", number="BBBB-CCCC", amount_minor=3390, currency="EUR", locale="en", return_url="/orders/BBBB-CCCC/payments/return?key=k"
)


@pytest.fixture
def bank(tmp_path) -> TestBank:
    return TestBank(tmp_path / "bank.db")


@pytest.fixture
def card(context, bank) -> TestCard:
    return TestCard(bank)


@pytest.fixture(params=["bank_transfer", "test_card"])
def gateway(request, card) -> Gateway:
    return card if request.param == "test_card" else BankTransfer("Bodega · ES91")


def test_starting_twice_opens_one_attempt(gateway):
    first, again = gateway.start(ASKED, at=NOON), gateway.start(ASKED, at=NOON)

    assert first == again
    assert first.truth is Truth.WAITING
    assert bool(first.url) == gateway.is_remote


def test_what_is_void_is_never_paid(gateway):
    gateway.start(ASKED, at=NOON)

    assert gateway.void(ASKED.key, at=NOON).truth is Truth.VOIDED
    assert gateway.void(ASKED.key, at=NOON).truth is Truth.VOIDED


def test_every_gateway_says_what_it_is_called(gateway):
    assert str(gateway.name)
    assert str(gateway.note)


def test_what_was_never_asked_is_unheard_of(card):
    assert card.look_up("nobody", at=NOON).truth is Truth.UNHEARD
    assert card.void("nobody", at=NOON).truth is Truth.UNHEARD


@pytest.mark.parametrize("decision", [Truth.CAPTURED, Truth.DECLINED])
def test_a_decision_stands(card, bank, decision):
    reference = card.start(ASKED, at=NOON).reference

    assert bank.decide(reference, decision)
    assert not bank.decide(reference, Truth.VOIDED)

    answer = card.void(ASKED.key, at=NOON)
    assert (answer.truth, answer.amount_minor, answer.currency, answer.url) == (decision, 3390, "EUR", None)


def test_a_bank_that_lost_its_answer_is_silent_and_then_tells_the_truth(card, bank):
    reference = card.start(ASKED, at=NOON).reference
    bank.decide(reference, Truth.CAPTURED, silent_until=NOON + SILENCE)

    with pytest.raises(NoAnswer):
        card.look_up(ASKED.key, at=NOON)

    assert card.look_up(ASKED.key, at=NOON + SILENCE).truth is Truth.CAPTURED


def test_what_was_authorized_is_taken_once(card, bank):
    bank.decide(card.start(ASKED, at=NOON).reference, Truth.AUTHORIZED)

    assert card.capture(ASKED.key, at=NOON).truth is Truth.CAPTURED
    assert card.capture(ASKED.key, at=NOON).truth is Truth.CAPTURED
    assert bank.totals() == (3390, 0)


def test_money_goes_back_once_per_key_and_never_more_than_came(card, bank):
    bank.decide(card.start(ASKED, at=NOON).reference, Truth.CAPTURED)

    card.refund(ASKED.key, 3000, refund_key="r1", at=NOON)
    card.refund(ASKED.key, 3000, refund_key="r1", at=NOON)
    with pytest.raises(Overdrawn):
        card.refund(ASKED.key, 391, refund_key="r2", at=NOON)

    assert bank.totals() == (3390, 3000)


def test_the_books_are_the_same_for_every_worker(card, bank, tmp_path):
    reference = card.start(ASKED, at=NOON + timedelta(hours=1)).reference

    other = TestBank(tmp_path / "bank.db")

    assert other.find(ASKED.key)["reference"] == reference
