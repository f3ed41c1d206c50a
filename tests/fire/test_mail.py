"""A mail server that is down, slow, or hangs up with the letter in its hand; and a courier whose database fails at every place of sending.

Tries are bounded; every try carries the same Message-ID; no letter arrives twice, and one that may have arrived says so.
"""

from __future__ import annotations

import asyncio
import email
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from datetime import timedelta
from typing import Any

import pytest
from aiosmtpd.controller import Controller
from sqlalchemy import func, select

from shop.db import db, rows, scalar
from shop.mail.models import Mail, MailAttempt, MailState
from shop.mail.senders import make_sender
from shop.outbox.courier import LEASE, MOST_TRIES
from shop.outbox.models import Delivery, DeliveryState
from tests.fire.house import House
from tests.fire.seams import watching
from tests.fire.test_faults import MOST, Fault, Planted
from tests.servers import free_port

LETTERS = 6


class Box:
    """A mail server's hands: ``mood`` says what it does with a letter, ``kept`` counts what it took by Message-ID."""

    def __init__(self) -> None:
        self.mood = "kind"
        self.kept: Counter[str] = Counter()
        self.seen: Counter[str] = Counter()

    async def handle_DATA(self, server: Any, _session: Any, envelope: Any) -> str:  # noqa: N802
        name = str(email.message_from_bytes(envelope.content)["Message-ID"])
        self.seen[name] += 1
        if self.mood == "busy":
            return "451 later, please"
        self.kept[name] += 1
        if self.mood == "slow":
            await asyncio.sleep(2)
        if self.mood == "cuts":
            server.transport.abort()
        return "250 OK"


@pytest.fixture
def box(house: House, monkeypatch: pytest.MonkeyPatch) -> Iterator[Box]:
    """A running mail server, and the shop that writes to it."""
    box, port = Box(), free_port()
    controller = Controller(box, hostname="127.0.0.1", port=port)
    monkeypatch.setattr("shop.mail.smtp.TIMEOUT_S", 1)
    monkeypatch.setitem(house.app.extensions, "mail", make_sender(f"smtp://127.0.0.1:{port}", "hello@bodega.example", "http://127.0.0.1"))
    controller.start()
    box.controller = controller  # type: ignore[attr-defined]
    yield box
    with suppress(Exception):
        controller.stop()


def carry_all(house: House, rounds: int) -> None:
    for _round in range(rounds):
        house.at += timedelta(hours=2)
        house.carry()


def states() -> Counter[MailState]:
    return Counter(found.state for found in rows(select(Mail.state)))


def test_a_bad_day_of_the_mail_server_loses_nothing_and_doubles_nothing(house: House, box: Box) -> None:
    for _letter in range(LETTERS):
        house.place(house.cart(), "bank_transfer")
    carry_all(house, 1)

    for mood, rounds in (("busy", 3), ("cuts", 1), ("slow", 1), ("kind", 3)):
        box.mood = mood
        house.place(house.cart(), "bank_transfer")
        carry_all(house, rounds)

    found = states()
    assert set(found) == {MailState.SENT, MailState.MAYBE_SENT}
    assert max(box.kept.values()) == 1, "no letter arrived twice"
    assert sum(box.kept.values()) == sum(found.values()), "every letter arrived"
    assert max(box.seen.values()) > 1, "a busy server was asked again with the same Message-ID"
    assert house.wrongs() == []


def test_a_mail_server_that_is_down_for_good_is_asked_so_often_and_no_more(house: House, box: Box) -> None:
    box.controller.stop()  # type: ignore[attr-defined]
    house.place(house.cart(), "bank_transfer")

    carry_all(house, MOST_TRIES + 8)

    tries = {
        found.mail_id: found.tries for found in rows(select(MailAttempt.mail_id, func.count().label("tries")).group_by(MailAttempt.mail_id))
    }
    assert set(tries.values()) == {MOST_TRIES}
    assert scalar(select(func.count()).where(Delivery.state == DeliveryState.DEAD)) == len(tries)


def test_whatever_fails_while_sending_no_letter_arrives_twice(house: House, box: Box) -> None:
    fault, places = Fault(), 0
    with watching(db.engine, fault.reach):
        for place in range(1, MOST):
            house.place(house.cart(), "bank_transfer")
            fault.left, fault.hit = place, ""
            for _round in range(3):
                with suppress(Planted):
                    house.carry()
            fault.left = 0
            if not fault.hit:
                break
            places += 1
            house.at += 2 * LEASE
            carry_all(house, 1)
    carry_all(house, 3)

    assert max(box.kept.values()) == 1
    sent = {f"<mail-{found.id}@127.0.0.1>" for found in rows(select(Mail.id).where(Mail.state == MailState.SENT))}
    assert sent <= set(box.kept), "what is called sent has arrived"
    assert set(states()) <= {MailState.SENT, MailState.MAYBE_SENT}
    print(f"\nfailed at {places} places; {dict(states())}")


def test_a_courier_that_claims_nothing_is_found_out(house: House, box: Box, monkeypatch: pytest.MonkeyPatch) -> None:
    """Planted: the letter is not marked before it is handed over."""
    monkeypatch.setattr("shop.mail.services._claim", lambda mail_id: db.session.get(Mail, mail_id))

    with pytest.raises(AssertionError):
        test_whatever_fails_while_sending_no_letter_arrives_twice(house, box)
