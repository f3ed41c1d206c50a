"""Real workers on real brokers: woken by the bell, without it a second later; killed in the middle they lose nothing and send nothing twice."""

from __future__ import annotations

import email
import itertools
import os
import random
import signal
from collections import Counter, defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from aiosmtpd.controller import Controller
from flask import Flask, current_app
from sqlalchemy import func, insert, select

from shop.clock import now
from shop.db import after_commit, connection, rows, scalar, transaction
from shop.mail.models import Mail, MailState
from shop.outbox.doorbell import make_celery, queue_of
from shop.outbox.models import Delivery, DeliveryState, Event
from shop.outbox.services import record_event
from tests.brokers import RABBITMQ, Crew, crew, wait_until
from tests.fire.world import World, world
from tests.redis import own_redis
from tests.servers import free_port

SUBJECTS, EVENTS, LETTERS = 12, 60, 12
KILLS, LEASE_S = 4, "3"
numbers = itertools.count()


class Box:
    """A mail server that takes its time; ``kept`` counts what it took by Message-ID."""

    def __init__(self) -> None:
        self.kept: Counter[str] = Counter()

    async def handle_DATA(self, _server: Any, _session: Any, envelope: Any) -> str:  # noqa: N802
        self.kept[str(email.message_from_bytes(envelope.content)["Message-ID"])] += 1
        return "250 OK"


@contextmanager
def post_office() -> Iterator[tuple[Box, str]]:
    box, port = Box(), free_port()
    controller = Controller(box, hostname="127.0.0.1", port=port)
    controller.start()
    try:
        yield box, f"smtp://127.0.0.1:{port}"
    finally:
        controller.stop()


def happen(subject: str, number: int, **payload: Any) -> None:
    """An event for ``test.listener``, whom only the worker's shop knows."""
    at = now()
    with transaction():
        event_id = record_event("test.happened", subject, {"number": number, **payload}, at=at)
        values = {"event_id": event_id, "consumer": "test.listener", "subject": subject, "due_at": at, "lease": "", "error": ""}
        connection().execute(insert(Delivery).values(state=DeliveryState.WAITING, tries=0, **values))
        after_commit(current_app.extensions["outbox"].ring)


def write_letter(number: int) -> None:
    at = now()
    words = {"subject": "Hello", "text": "Hello.", "html": "<p>Hello.</p>", "locale": "en", "about": "", "state": MailState.WAITING}
    with transaction() as session:
        mail = Mail(cause=f"{number}:test", recipient="ada@example.com", created_at=at, **words)
        session.add(mail)
        session.flush()
        record_event("mail.queued", f"mail:{mail.id}", {"mail_id": mail.id}, at=at)


def undone() -> int:
    return int(scalar(select(func.count()).where(Delivery.state != DeliveryState.DONE)))


def forget_queue(shop: str) -> None:
    with make_celery(RABBITMQ, [shop]).connection_for_write() as link, link.channel() as channel:
        queue_of(shop)(channel).delete()


@pytest.fixture
def office() -> Iterator[tuple[Box, str]]:
    with post_office() as opened:
        yield opened


@contextmanager
def shop_on(folder: Path, broker: str, **changes: str) -> Iterator[World]:
    own = {
        "SHOP_NAME": f"t{os.getpid()}-{next(numbers)}",
        "SHOP_BROKER_URL": broker,
    }  # a queue of its own on a broker that others use as well
    with world(folder, "workers", {}, **own, **changes) as made, made.app.app_context():
        try:
            yield made
        finally:
            if broker == RABBITMQ:
                forget_queue(own["SHOP_NAME"])


def kill_now_and_then(made: Crew, office: Box) -> int:
    """SIGKILL one of the processes whenever some more was done, until all is; gives how many died."""
    dice, kills, mark = random.Random(6), 0, 0
    while undone():
        done = len(made.heard()) + len(office.kept)
        hands = made.hands()
        if hands and done >= mark + 12 and kills < KILLS:
            os.kill(dice.choice(hands), signal.SIGKILL)
            kills, mark = kills + 1, done
        wait_until(lambda before=done: len(made.heard()) + len(office.kept) != before or not undone(), what="anything delivered")
    return kills


@pytest.mark.parametrize("broker", ["rabbitmq", "redis"])
def test_killed_workers_lose_nothing_keep_the_order_and_write_no_letter_twice(tmp_path: Path, office: tuple[Box, str], broker: str) -> None:
    with own_redis(tmp_path) as redis, shop_on(tmp_path, redis.url if broker == "redis" else RABBITMQ, MAIL_URL=office[1]) as made:
        for number in range(EVENTS):
            happen(f"thing:{number % SUBJECTS}", number, slow_s=0.01)
        for number in range(LETTERS):
            write_letter(number)

        with crew(tmp_path, **made.environ, HANDS_LEASE_S=LEASE_S) as working:
            kills = kill_now_and_then(working, office[0])
            heard = working.heard()
            ended = working.end()

        letters = Counter(found.state for found in rows(select(Mail.state)))

    assert kills == KILLS, "too few were killed to prove anything"
    assert {number for _subject, number, _pid in heard} == set(range(EVENTS)), "nothing is lost"
    assert_in_order(heard)
    assert len({pid for _subject, _number, pid in heard}) > 2, "who was killed had a successor"
    assert set(letters) <= {MailState.SENT, MailState.MAYBE_SENT}
    assert letters[MailState.MAYBE_SENT] <= kills
    assert max(office[0].kept.values()) == 1, "no letter is written twice"
    assert sum(office[0].kept.values()) >= letters[MailState.SENT], "what is called sent has arrived"
    assert ended == 0


def assert_in_order(heard: list[tuple[str, int, int]]) -> None:
    """What is heard first of each event comes in the order in which it happened, subject by subject."""
    by_subject: defaultdict[str, list[int]] = defaultdict(list)
    for subject, number, _pid in heard:
        if number not in by_subject[subject]:
            by_subject[subject].append(number)
    assert all(numbers == sorted(numbers) for numbers in by_subject.values()), by_subject


def test_what_was_lost_or_out_of_order_would_be_seen() -> None:
    with pytest.raises(AssertionError):
        assert_in_order([("thing:1", 2, 7), ("thing:1", 1, 7)])


def test_with_the_broker_gone_workers_look_by_themselves_and_hear_the_bell_when_it_is_back(tmp_path: Path) -> None:
    with own_redis(tmp_path) as redis, shop_on(tmp_path, redis.url) as made:
        redis.stop()
        bell = made.app.extensions["outbox"].doorbell
        happen("thing:1", 1)

        with crew(tmp_path, "1", **made.environ) as working:
            wait_until(lambda: undone() == 0, what="the delivery without a broker")
            assert bell.failures > 0

            redis.start()
            bell.ring()
            wait_until(lambda: bell.failures == 0, what="a ring that arrives")
            wait_until(lambda: bell.waiting() == 0, what="a bell that is heard")
            happen("thing:1", 2)
            wait_until(lambda: undone() == 0, what="the delivery with a broker")

            assert [number for _subject, number, _pid in working.heard()] == [1, 2]
            assert working.end() == 0


def test_whoever_hears_a_bell_and_dies_is_heard_again_by_another(tmp_path: Path) -> None:
    """A poisonous event: its courier is killed with it in hand. It comes again when the lease ends, and takes nobody along."""
    with shop_on(tmp_path, RABBITMQ) as made:
        happen("thing:1", 1, die=True)
        happen("thing:2", 2)

        with crew(tmp_path, "1", **made.environ, HANDS_LEASE_S="2") as working:
            wait_until(lambda: undone() == 0, what="everything delivered")
            heard = working.heard()

        tries = dict(map(tuple, rows(select(Event.subject, Delivery.tries).join(Delivery, Delivery.event_id == Event.id))))

    assert Counter(number for _subject, number, _pid in heard)[1] == 2
    assert tries["thing:1"] == 2


def test_without_a_broker_a_worker_delivers_beside_a_shop_that_does_not(tmp_path: Path) -> None:
    with shop_on(tmp_path, "") as made:
        happen("thing:1", 1)

        with crew(tmp_path, **made.environ) as working:
            wait_until(lambda: undone() == 0, what="the delivery")
            assert working.end() == 0


def test_the_command_says_what_it_is_for(app: Flask) -> None:
    told = app.test_cli_runner().invoke(args=["shop", "worker", "--help"])

    assert "SHOP_BROKER_URL" in told.output
