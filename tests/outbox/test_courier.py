"""Events reach their consumers at least once, in order per subject, whatever fails."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from flask import Flask
from sqlalchemy import select, update

from shop.clock import now
from shop.db import row, rows, transaction
from shop.errors import IllegalMove
from shop.outbox import Happened, Outbox, subscribe
from shop.outbox.courier import LEASE, MOST_TRIES, deliver, deliver_due, pause, resend
from shop.outbox.models import Delivery, DeliveryState, Event
from shop.outbox.periodic import every, run_due_tasks
from shop.outbox.services import record_event


@pytest.fixture
def heard(context: Flask) -> Iterator[list[Happened]]:
    """What a consumer of ``test.happened`` heard; the shop's own consumers come back afterwards."""
    before = context.extensions["outbox"]
    context.extensions["outbox"] = Outbox()
    messages: list[Happened] = []
    subscribe(context, "test.happened", "test.listener", messages.append)
    yield messages
    context.extensions["outbox"] = before


def happen(subject="thing:1", number=1, kind="test.happened"):
    with transaction():
        return record_event(kind, subject, {"number": number}, at=now())


def test_an_event_is_delivered_once(heard):
    happen(number=7)

    deliver_due(at=now())
    deliver_due(at=now())

    assert [message.payload["number"] for message in heard] == [7]
    assert row(select(Delivery.state)).state == DeliveryState.DONE


def test_an_event_whose_transaction_failed_never_happened(heard):
    with pytest.raises(ZeroDivisionError), transaction():
        record_event("test.happened", "thing:1", {}, at=now())
        raise ZeroDivisionError

    deliver_due(at=now())

    assert heard == []
    assert rows(select(Event.id)) == []


def test_a_failed_delivery_comes_back_later_and_its_younger_sibling_waits(context, heard):
    failures = iter([True, False, False])
    context.extensions["outbox"].handlers["test.listener"] = lambda message: 1 / 0 if next(failures) else heard.append(message)
    happen(number=1)
    happen(number=2)
    happen(subject="thing:2", number=3)
    context.extensions["outbox"].handlers["test.listener"], failing = heard.append, context.extensions["outbox"].handlers["test.listener"]
    first = rows(select(Delivery.id).order_by(Delivery.id))[0].id
    context.extensions["outbox"].handlers["test.listener"] = failing

    assert deliver(first, at=now()) is False
    context.extensions["outbox"].handlers["test.listener"] = heard.append
    deliver_due(at=now())

    assert [message.payload["number"] for message in heard] == [3]

    deliver_due(at=now() + pause(1))
    deliver_due(at=now() + pause(1))

    assert [message.payload["number"] for message in heard] == [3, 1, 2]


def test_a_dead_letter_blocks_nobody_and_can_be_sent_again(context, heard):
    happen(number=1)
    dead = row(select(Delivery.id)).id
    context.extensions["outbox"].handlers["test.listener"] = lambda _message: 1 / 0
    with transaction() as session:
        session.execute(update(Delivery).values(tries=MOST_TRIES - 1))

    deliver_due(at=now())
    context.extensions["outbox"].handlers["test.listener"] = heard.append
    happen(number=2)
    deliver_due(at=now())

    assert [message.payload["number"] for message in heard] == [2]
    assert row(select(Delivery.state).where(Delivery.id == dead)).state == DeliveryState.DEAD

    resend(dead, at=now())
    deliver_due(at=now())

    assert [message.payload["number"] for message in heard] == [2, 1]
    with pytest.raises(IllegalMove):
        resend(dead, at=now())


def test_a_courier_that_died_loses_its_lease(heard):
    happen()
    with transaction() as session:
        session.execute(update(Delivery).values(lease="dead", leased_until=now() + timedelta(minutes=1)))

    deliver_due(at=now())
    assert heard == []

    deliver_due(at=now() + timedelta(minutes=2))
    assert len(heard) == 1


def test_the_lease_of_a_delivery_begins_when_its_turn_comes(context, heard, monkeypatch):
    clock = [now() + timedelta(seconds=9)]
    left = []
    monkeypatch.setattr("shop.outbox.courier.now", lambda: clock[0])

    def dawdle(_message):
        left.append(rows(select(Delivery.leased_until).where(Delivery.leased_until.is_not(None)))[0].leased_until - clock[0])
        clock[0] += LEASE

    context.extensions["outbox"].handlers["test.listener"] = dawdle
    happen(subject="thing:1")
    happen(subject="thing:2")

    deliver_due(at=clock[0])

    assert left == [LEASE, LEASE]


def test_many_couriers_deliver_each_event_once(app, heard):
    for number in range(20):
        happen(subject=f"thing:{number}", number=number)

    def carry():
        with app.app_context():
            deliver_due(at=now())

    with ThreadPoolExecutor(4) as pool:
        for done in [pool.submit(carry) for _ in range(4)]:
            done.result()

    assert sorted(message.payload["number"] for message in heard) == list(range(20))


def test_pauses_grow_to_an_hour():
    assert [pause(tries).total_seconds() for tries in (1, 2, 3, 12)] == [2, 4, 8, 3600]


def test_a_periodic_task_runs_once_per_pause(context):
    ran = []
    before = dict(context.extensions.get("periodic", {}))
    context.extensions["periodic"] = {}
    every(context, timedelta(minutes=1), "test.tick", ran.append)
    at = now()

    assert run_due_tasks(at=at) == ["test.tick"]
    assert run_due_tasks(at=at + timedelta(seconds=30)) == []
    assert run_due_tasks(at=at + timedelta(seconds=61)) == ["test.tick"]
    context.extensions["periodic"] = before
