"""One contract for every gateway: bank transfer, the test bank here and behind HTTP, Stripe's page and Stripe's element.

``Rig`` is a gateway with a hand on its other side: what a customer, a clerk or a bad day does there.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import partial

import pytest

from shop.payment.gateways.base import Asked, Forged, Gateway, NoAnswer, Refused, Truth
from shop.payment.gateways.manual import BankTransfer
from shop.payment.gateways.test_card import TestCard
from shop.payment.test_bank.books import SILENCE, TestBank
from shop.payment.test_bank.remote import RemoteBank
from tests.factories import NOON
from tests.payment.banks import running_bank
from tests.payment.stripes import element_rig, hosted_rig

ASKED = Asked(
    key="key-1",
    number="BBBB-CCCC",
    amount_minor=3390,
    currency="EUR",
    locale="en",
    return_url="/orders/BBBB-CCCC/payments/return?key=k",
    notify_url="/payments/webhooks/x",
    begun_at=NOON,
)
REMOTE = ["test_card", "test_card_server", "stripe_hosted", "stripe_element"]


@dataclass
class Rig:
    """``approve`` and ``decline`` are the customer's; ``silence`` makes the next call act and not answer until ``speak``; ``ledger`` is (taken, given back)."""

    gateway: Gateway
    approve: Callable[[str], object] = lambda _reference: None
    decline: Callable[[str], object] = lambda _reference: None
    silence: Callable[[], object] | None = None
    speak: Callable[[], object] = lambda: None
    ledger: Callable[[], tuple[int, int]] = lambda: (0, 0)

    def manual(self) -> Rig:
        """The same, taking nothing by itself."""
        gateway = self.gateway
        gateway.settings = replace(gateway.settings, captures_at_once=False) if hasattr(gateway, "settings") else None
        gateway.is_taken_at_once = False
        return self


@pytest.fixture(params=["bank_transfer", *REMOTE])
def rig(request, context, tmp_path) -> Iterator[Rig]:
    yield from _rig(request.param, tmp_path)


@pytest.fixture(params=REMOTE)
def remote(request, context, tmp_path) -> Iterator[Rig]:
    yield from _rig(request.param, tmp_path)


def _rig(kind: str, tmp_path) -> Iterator[Rig]:
    if kind == "bank_transfer":
        yield Rig(BankTransfer("Bodega · ES91"))
    elif kind == "test_card":
        yield _books(TestBank(tmp_path / "bank.db"))
    elif kind == "test_card_server":
        with running_bank(tmp_path / "bank.db") as bank:
            card = TestCard(RemoteBank(bank.url, timeout_s=1), origin=bank.url)
            lose = partial(setattr, bank.behavior, "lost_percent")
            yield _by(bank.books, card, silence=partial(lose, 100), speak=partial(lose, 0))
    else:
        with {"stripe_hosted": hosted_rig, "stripe_element": element_rig}[kind]() as made:
            yield Rig(**made)


def _books(bank: TestBank) -> Rig:
    return _by(bank, TestCard(bank))


def _by(bank: TestBank, card: TestCard, **more) -> Rig:
    return Rig(
        card,
        approve=lambda reference: bank.decide(reference, Truth.CAPTURED),
        decline=lambda reference: bank.decide(reference, Truth.DECLINED, reason="The card was declined."),
        ledger=bank.totals,
        **more,
    )


def begun(rig: Rig) -> Asked:
    """The attempt, opened."""
    return replace(ASKED, reference=rig.gateway.start(ASKED, at=NOON).reference)


def test_starting_twice_opens_one_attempt(rig):
    first, again = rig.gateway.start(ASKED, at=NOON), rig.gateway.start(ASKED, at=NOON)

    assert first == again
    assert first.truth is Truth.WAITING
    assert bool(first.url) == rig.gateway.is_remote


def test_what_is_void_is_never_paid(rig):
    asked = begun(rig)

    assert rig.gateway.void(asked, at=NOON).truth is Truth.VOIDED
    assert rig.gateway.void(asked, at=NOON).truth is Truth.VOIDED

    rig.approve(asked.reference or "")
    assert rig.gateway.look_up(asked, at=NOON).truth is not Truth.CAPTURED


def test_every_gateway_says_what_it_is_called(rig):
    assert str(rig.gateway.name)
    assert str(rig.gateway.note)


def test_a_refund_is_done_or_waits_for_a_person(rig):
    asked = begun(rig)
    rig.approve(asked.reference or "")

    answer = rig.gateway.refund(asked, 1000, refund_key="r1", at=NOON)

    assert (answer.key, answer.amount_minor) == ("r1", 1000)
    assert answer.truth is (Truth.CAPTURED if rig.gateway.is_remote else Truth.WAITING)


def test_what_nobody_signed_is_no_message(rig):
    with pytest.raises(Forged):
        rig.gateway.read_webhook(b"{}", {}, at=NOON)


def test_the_same_key_for_another_amount_is_refused(remote):
    remote.gateway.start(ASKED, at=NOON)

    with pytest.raises(Refused):
        remote.gateway.start(replace(ASKED, amount_minor=1), at=NOON)


def test_approved_is_taken_whole_and_in_its_currency(remote):
    asked = begun(remote)
    remote.approve(asked.reference)

    answer = remote.gateway.look_up(asked, at=NOON)

    assert (answer.truth, answer.amount_minor, answer.currency, answer.url) == (Truth.CAPTURED, 3390, "EUR", None)
    assert remote.gateway.void(asked, at=NOON).truth is Truth.CAPTURED
    assert remote.ledger() == (3390, 0)


def test_declined_takes_nothing_and_says_why(remote):
    asked = begun(remote)
    remote.decline(asked.reference)

    answer = remote.gateway.look_up(asked, at=NOON)

    assert answer.truth in {Truth.DECLINED, Truth.WAITING}  # Stripe's customer may try another card on the same page
    assert "declined" in answer.reason
    assert remote.ledger() == (0, 0)


def test_what_is_authorized_waits_for_its_capture_and_is_taken_once(remote):
    rig = remote.manual()
    asked = begun(rig)
    rig.approve(asked.reference)

    assert rig.gateway.look_up(asked, at=NOON).truth is Truth.AUTHORIZED
    assert rig.ledger() == (0, 0)
    assert rig.gateway.capture(asked, at=NOON).truth is Truth.CAPTURED
    assert rig.gateway.capture(asked, at=NOON).truth is Truth.CAPTURED

    assert rig.ledger() == (3390, 0)


def test_what_is_authorized_can_be_let_go(remote):
    rig = remote.manual()
    asked = begun(rig)
    rig.approve(asked.reference)

    assert rig.gateway.void(asked, at=NOON).truth is Truth.VOIDED

    assert rig.gateway.look_up(asked, at=NOON).truth is Truth.VOIDED
    assert rig.ledger() == (0, 0)


def test_money_goes_back_in_parts_once_per_key_and_never_more_than_came(remote):
    asked = begun(remote)
    remote.approve(asked.reference)

    for key, amount in (("r1", 2000), ("r1", 2000), ("r2", 1000)):
        assert remote.gateway.refund(asked, amount, refund_key=key, at=NOON).truth is Truth.CAPTURED
    with pytest.raises(Refused):
        remote.gateway.refund(asked, 391, refund_key="r3", at=NOON)

    assert remote.ledger() == (3390, 3000)
    given = remote.gateway.look_up(asked, at=NOON).given_back
    assert sorted((one.key, one.amount_minor, one.truth) for one in given) == [("r1", 2000, "captured"), ("r2", 1000, "captured")]


def test_every_one_of_many_refunds_is_found_again(remote):
    asked = begun(remote)
    remote.approve(asked.reference)
    for number in range(12):
        remote.gateway.refund(asked, 100, refund_key=f"r{number}", at=NOON)

    given = remote.gateway.look_up(asked, at=NOON).given_back

    assert {one.key for one in given} == {f"r{number}" for number in range(12)}
    assert [taken.refunded_minor for taken in remote.gateway.list_taken()] == [1200]


@pytest.mark.parametrize("act", ["start", "capture", "void", "refund"])
def test_an_answer_that_gets_lost_is_no_failure_and_asking_again_does_nothing_more(remote, act):
    rig = remote.manual() if act == "capture" else remote
    if rig.silence is None:
        pytest.skip("the books themselves always answer")
    asked = ASKED if act == "start" else begun(rig)
    if act in {"capture", "refund"}:
        rig.approve(asked.reference)
    calls = {
        "start": lambda: rig.gateway.start(asked, at=NOON).truth,
        "capture": lambda: rig.gateway.capture(asked, at=NOON).truth,
        "void": lambda: rig.gateway.void(asked, at=NOON).truth,
        "refund": lambda: rig.gateway.refund(asked, 1000, refund_key="r1", at=NOON).truth,
    }
    rig.silence()

    with pytest.raises(NoAnswer):
        calls[act]()
    rig.speak()

    wanted = {"start": Truth.WAITING, "capture": Truth.CAPTURED, "void": Truth.VOIDED, "refund": Truth.CAPTURED}
    assert calls[act]() is wanted[act]
    assert rig.ledger() == {"capture": (3390, 0), "refund": (3390, 1000)}.get(act, (0, 0))


# What only the test bank does


@pytest.fixture
def bank(tmp_path) -> TestBank:
    return TestBank(tmp_path / "bank.db")


@pytest.fixture
def card(context, bank) -> TestCard:
    return TestCard(bank)


def test_what_was_never_asked_is_unheard_of(card):
    assert card.look_up(ASKED, at=NOON).truth is Truth.UNHEARD
    assert card.void(ASKED, at=NOON).truth is Truth.UNHEARD


@pytest.mark.parametrize("decision", [Truth.CAPTURED, Truth.DECLINED])
def test_a_decision_stands(card, bank, decision):
    reference = card.start(ASKED, at=NOON).reference

    assert bank.decide(reference, decision)
    assert not bank.decide(reference, Truth.VOIDED)

    assert card.void(ASKED, at=NOON).truth == decision


def test_a_bank_that_lost_its_answer_is_silent_and_then_tells_the_truth(card, bank):
    reference = card.start(ASKED, at=NOON).reference
    bank.decide(reference, Truth.CAPTURED, silent_until=NOON + SILENCE)

    with pytest.raises(NoAnswer):
        card.look_up(ASKED, at=NOON)

    assert card.look_up(ASKED, at=NOON + SILENCE).truth is Truth.CAPTURED


def test_the_books_are_the_same_for_every_worker(card, tmp_path):
    reference = card.start(ASKED, at=NOON).reference

    other = TestBank(tmp_path / "bank.db")

    assert other.find(ASKED.key).reference == reference


def test_the_gateways_own_books_say_what_was_taken_and_given_back(remote):
    assert list(remote.gateway.list_taken()) == []
    reference = remote.gateway.start(ASKED, at=NOON).reference
    remote.approve(reference)
    asked = replace(ASKED, reference=reference)
    remote.gateway.refund(asked, 390, refund_key="r1", at=NOON)

    (taken,) = remote.gateway.list_taken()

    assert (taken.key, taken.captured_minor, taken.refunded_minor, taken.currency) == ("key-1", 3390, 390, "EUR")
