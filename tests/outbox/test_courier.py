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
from shop.outbox.periodic import every, list_tasks, run_due_tasks
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


def waiting():
    return {found.id: found for found in rows(select(Delivery.id, Delivery.state, Delivery.tries, Delivery.leased_until))}


class Died(BaseException):
    """What ends a process where it stands."""


def dying_at(number, heard):
    def handle(message):
        if message.payload["number"] == number:
            raise Died
        heard.append(message)

    return handle


def test_many_events_share_a_few_writes(heard, statements, monkeypatch):
    at = now() + timedelta(seconds=9)
    monkeypatch.setattr("shop.outbox.courier.now", lambda: at)
    for number in range(100):
        happen(subject=f"thing:{number}", number=number)
    statements.clear()

    done = deliver_due(at=at)

    assert (done.delivered, done.is_full) == (100, False)
    writes = [statement for statement in statements if "UPDATE deliveries" in statement]
    assert len(writes) == 8, "bundles of 4, 16, 64 and the rest: one claim and one mark each, and none for nothing"


def test_a_look_ends_when_it_has_enough_and_says_so(heard, monkeypatch):
    monkeypatch.setattr("shop.outbox.courier.AT_ONCE", 4)
    for number in range(6):
        happen(subject=f"thing:{number}", number=number)

    assert [deliver_due(at=now()).is_full for _look in range(2)] == [True, False]
    assert len(heard) == 6


def test_who_leaves_in_the_middle_of_a_bundle_marks_what_is_done_and_gives_back_the_rest(context, heard):
    context.extensions["outbox"].handlers["test.listener"] = dying_at(1, heard)
    first, hers, last = [happen(subject=f"thing:{number}", number=number) and max(waiting()) for number in range(3)]

    with pytest.raises(Died):
        deliver_due(at=now())

    left = waiting()
    assert left[first].state is DeliveryState.DONE
    assert left[hers].leased_until is not None, "nobody knows how far it came: its lease has to end"
    assert (left[last].leased_until, left[last].tries) == (None, 0)


def test_what_was_tried_before_takes_nobody_along(context, heard):
    context.extensions["outbox"].handlers["test.listener"] = dying_at(0, heard)
    for number in range(2):
        happen(subject=f"thing:{number}", number=number)
    with transaction() as session:
        session.execute(update(Delivery).values(tries=1))

    with pytest.raises(Died):
        deliver_due(at=now())
    deliver_due(at=now())

    assert [message.payload["number"] for message in heard] == [1]


def test_what_kills_every_courier_is_given_up_unseen(context, heard):
    happen()
    with transaction() as session:
        session.execute(update(Delivery).values(tries=MOST_TRIES))

    deliver_due(at=now())

    assert heard == []
    assert tuple(row(select(Delivery.state, Delivery.error))) == (DeliveryState.DEAD, "DiedInHand: whoever carried it died, each time")


def test_a_slow_consumer_makes_bundles_small_and_keeps_none_from_others(context, heard, monkeypatch):
    clock = [now() + timedelta(seconds=9)]
    monkeypatch.setattr("shop.outbox.courier.now", lambda: clock[0])
    in_hand = []

    def dawdle(_message):
        in_hand.append(sum(found.leased_until is not None for found in waiting().values()))
        clock[0] += timedelta(seconds=3)

    context.extensions["outbox"].handlers["test.listener"] = dawdle
    for number in range(6):
        happen(subject=f"thing:{number}", number=number)

    deliver_due(at=clock[0])

    assert in_hand == [4, 4, 1, 1, 1, 1]
    assert {found.state for found in waiting().values()} == {DeliveryState.DONE}


def test_a_failing_task_says_so_and_comes_again(context):
    before = dict(context.extensions.get("periodic", {}))
    context.extensions["periodic"] = {}
    every(context, timedelta(minutes=1), "test.tick", lambda _at: 1 / 0)
    never, at = list_tasks(), now()

    run_due_tasks(at=at)

    [tick] = list_tasks()
    context.extensions["periodic"] = before
    assert (never[0].name, never[0].last) == ("test.tick", None)
    assert (tick.last.ran_at, tick.last.error) == (at, "ZeroDivisionError: division by zero")
    assert tick.last.due_at == at + timedelta(minutes=1)
