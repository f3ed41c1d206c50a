"""How many events a second reach their consumer: by a courier in process, by workers on RabbitMQ and on Redis, and while a worker is killed each second.

The consumer writes a line to a file and nothing else: what is measured is the outbox. Five events share each subject, so that order costs what it costs.
"""

from __future__ import annotations

import os
import random
import signal
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

from sqlalchemy import func, insert, select

from shop.clock import now
from shop.db import after_commit, connection, scalar, transaction
from shop.outbox.doorbell import make_celery, queue_of
from shop.outbox.models import Delivery, DeliveryState, Event, new_public_id
from tests.brokers import RABBITMQ, Crew, crew, wait_until
from tests.fire.world import World, world
from tests.redis import OwnRedis, own_redis

PER_SUBJECT = 5
LEASE_S = 5.0
UNDONE = select(func.count()).where(Delivery.state != DeliveryState.DONE)


def outbox(server: str, rounds: int, events: int) -> Iterator[str]:
    """``server``: PostgreSQL, if any; ``events`` each round."""
    kinds = {"SQLite": "", **({"PostgreSQL": server} if server else {})}
    yield f"\nEvents a second from the commit to the consumer, {events} at once, {PER_SUBJECT} per subject (load {os.getloadavg()[0]:.1f})\n"
    yield "| database | carried by | events/s |"
    yield "|---|---|---|"
    with tempfile.TemporaryDirectory(prefix="bodega-redis-") as folder, own_redis(Path(folder)) as redis:
        for database, url in kinds.items():
            for carrier, broker in (
                ("one courier in process", ""),
                ("2 processes on RabbitMQ", RABBITMQ),
                ("2 processes on Redis", redis.url),
            ):
                rates = _rates(url, broker, rounds, events)
                yield f"| {database} | {carrier} | {sorted(rates)[len(rates) // 2]:.0f} ({min(rates):.0f}–{max(rates):.0f}) |"
        yield from _killing(kinds, redis, events)


def _rates(server: str, broker: str, rounds: int, events: int) -> list[float]:
    with _shop(server, broker) as (made, working):
        return [_round(made, working, events) for _ in range(rounds)]


class _shop:  # noqa: N801 - reads as what it is
    """A shop with an empty outbox and its worker, which has heard its first event."""

    def __init__(self, server: str, broker: str, **environ: str) -> None:
        self.server, self.broker, self.environ, self.stack = server, broker, environ, ExitStack()

    def __enter__(self) -> tuple[World, Crew]:
        before = os.environ.pop("TEST_DATABASE_URL", None)
        self.stack.callback(lambda: os.environ.update({"TEST_DATABASE_URL": before} if before else {}))
        if self.server:
            os.environ["TEST_DATABASE_URL"] = self.server
        folder = Path(self.stack.enter_context(tempfile.TemporaryDirectory(prefix="bodega-outbox-")))
        name = f"bench{os.getpid()}"
        made = self.stack.enter_context(world(folder, "outbox", {}, SHOP_BROKER_URL=self.broker, SHOP_NAME=name))
        self.stack.enter_context(made.app.app_context())
        if self.broker == RABBITMQ:
            self.stack.callback(_forget_queue, name)
        working = self.stack.enter_context(crew(folder, "2", **made.environ, **self.environ))
        happen(made, 1)
        wait_until(lambda: scalar(UNDONE) == 0, what="a first delivery")
        return made, working

    def __exit__(self, *_: object) -> None:
        self.stack.close()


def _forget_queue(name: str) -> None:
    with make_celery(RABBITMQ, [name]).connection_for_write() as link, link.channel() as channel:
        queue_of(name)(channel).delete()


def happen(made: World, events: int) -> None:
    """So many events in one commit, and one ring."""
    at = now()
    first = int(scalar(select(func.coalesce(func.max(Event.id), 0)))) + 1
    ids = range(first, first + events)
    same = {"consumer": "test.listener", "state": DeliveryState.WAITING, "due_at": at, "tries": 0, "lease": "", "error": ""}
    subjects = [f"bench:{number // PER_SUBJECT}" for number in ids]
    with transaction():
        wrote = [
            {
                "id": n,
                "kind": "test.happened",
                "subject": s,
                "payload": {"number": n},
                "at": at,
                "public_id": new_public_id(),
                "request_id": "",
            }
            for n, s in zip(ids, subjects, strict=True)
        ]
        connection().execute(insert(Event), wrote)
        connection().execute(insert(Delivery), [{"event_id": n, "subject": s, **same} for n, s in zip(ids, subjects, strict=True)])
        after_commit(made.app.extensions["outbox"].ring)


def _round(made: World, working: Crew, events: int) -> float:
    happen(made, events)
    began = time.monotonic()
    wait_until(lambda: scalar(UNDONE) == 0, what="everything delivered")
    return events / (time.monotonic() - began)


def _killing(kinds: dict[str, str], redis: OwnRedis, events: int) -> Iterator[str]:
    yield f"\nA worker is killed each second; leases of {LEASE_S:.0f} s, so that what the dead had in hand comes again soon\n"
    yield "| database | broker | events | killed | seconds | events/s | lost | handed over twice | out of order |"
    yield "|---|---|---|---|---|---|---|---|---|"
    for database, url in kinds.items():
        for broker, address in (("RabbitMQ", RABBITMQ), ("Redis", redis.url)):
            yield f"| {database} | {broker} | {_killed(url, address, events * 3)} |"


def _killed(server: str, broker: str, events: int) -> str:
    dice, kills = random.Random(1), 0
    with _shop(server, broker, HANDS_LEASE_S=str(LEASE_S)) as (made, working):
        happen(made, events)
        began = killed_at = time.monotonic()
        while scalar(UNDONE):
            time.sleep(0.05)
            hands = working.hands()
            if hands and time.monotonic() - killed_at >= 1:
                os.kill(dice.choice(hands), signal.SIGKILL)
                kills, killed_at = kills + 1, time.monotonic()
        took_s = time.monotonic() - began
        heard = [(subject, number) for subject, number, _pid in working.heard() if number > 1]
    first: dict[str, list[int]] = {}
    for subject, number in dict.fromkeys(heard):
        first.setdefault(subject, []).append(number)
    lost = events - len(set(heard))
    disorder = sum(numbers != sorted(numbers) for numbers in first.values())
    return f"{events} | {kills} | {took_s:.0f} | {events / took_s:.0f} | {lost} | {len(heard) - len(set(heard))} | {disorder}"
