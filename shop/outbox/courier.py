"""Who carries events to their consumers: a thread in each worker, or any process that calls ``deliver_due``.

The table with its leases is the truth; the bell only wakes a courier earlier. A delivery is claimed by one guarded UPDATE, carried outside any
transaction, and marked. It comes back with growing pauses, and after ``MOST_TRIES`` it lies down as a dead letter that staff can send again and
that blocks nobody. What must be delivered in order (same subject, same consumer) waits for its elder.
"""

from __future__ import annotations

import logging
import secrets
import threading
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from flask import Flask, current_app
from sqlalchemy import Row, bindparam, or_, select, update
from sqlalchemy.orm import aliased

from shop.clock import now
from shop.db import row, rows, transaction
from shop.errors import IllegalMove
from shop.observe import count, tell
from shop.observe.figures import DELIVERIES
from shop.observe.spans import span
from shop.observe.trace import following
from shop.outbox import Happened, Later, Outbox
from shop.outbox.models import Delivery, DeliveryState, Event
from shop.outbox.periodic import run_due_tasks

log = logging.getLogger(__name__)

LEASE = timedelta(minutes=2)
MOST_TRIES = 12
FIRST_PAUSE_S = 2
LONGEST_PAUSE_S = 3600
AT_ONCE = 50
LOOK_EVERY_S = 1.0
LONGEST_REST_S = 60.0

_elder = aliased(Delivery)
DUE = (
    select(Delivery.id)
    .where(
        Delivery.state == DeliveryState.WAITING,
        Delivery.due_at <= bindparam("at"),
        or_(Delivery.leased_until.is_(None), Delivery.leased_until < bindparam("at")),
        ~select(_elder.id)
        .where(
            _elder.subject == Delivery.subject,
            _elder.consumer == Delivery.consumer,
            _elder.id < Delivery.id,
            _elder.state == DeliveryState.WAITING,
        )
        .exists(),
    )
    .order_by(Delivery.due_at, Delivery.id)
    .limit(AT_ONCE)
)
CLAIMED = (
    select(
        Delivery.consumer, Delivery.tries, Event.id, Event.kind, Event.subject, Event.payload, Event.at, Event.public_id, Event.request_id
    )
    .join(Event, Event.id == Delivery.event_id)
    .where(Delivery.id == bindparam("id"))
)


@dataclass(frozen=True, slots=True)
class Round:
    """What one look at the table did."""

    delivered: int
    failed: int


def deliver_due(*, at: datetime) -> Round:
    """Carry what is due now; safe to call from many processes at once."""
    results = [deliver(found.id, at=max(at, now())) for found in rows(DUE, at=at)]  # a lease runs from when it is taken
    return Round(delivered=results.count(True), failed=results.count(False))


def deliver(delivery_id: int, *, at: datetime) -> bool | None:
    """Carry one delivery: True when it is done, False when it failed, None when somebody else has it or it comes later."""
    lease = _claim(delivery_id, at)
    if lease is None:
        return None
    claimed = row(CLAIMED, id=delivery_id)
    if claimed is None:
        return None
    with following(claimed.request_id, current_app.extensions["observe"], claimed.payload) as trace:
        try:
            with span(f"deliver {claimed.consumer}", "consumer", event=claimed.kind, delivery=delivery_id, tries=claimed.tries):
                _hand_over(claimed)
        except Later as later:
            _postpone(delivery_id, lease, until=later.at)
            return None
        except Exception as error:
            outcome = "dead" if claimed.tries >= MOST_TRIES else "failed"
            log.exception("delivery %s to %s failed at try %s", delivery_id, claimed.consumer, claimed.tries)
            _put_back(delivery_id, lease, claimed.tries, f"{type(error).__name__}: {error}"[:2000], at=now())
        else:
            outcome = "done"
            _mark_done(delivery_id, lease, at=now())
        count(DELIVERIES, claimed.consumer, outcome)
        tell(f"delivery {outcome}", delivery=delivery_id, event=claimed.kind, consumer=claimed.consumer, ms=round(trace.took_s * 1000, 1))
    return outcome == "done"


def _hand_over(claimed: Row[Any]) -> None:
    outbox: Outbox = current_app.extensions["outbox"]
    handle = outbox.handlers[claimed.consumer]
    handle(Happened(claimed.id, claimed.kind, claimed.subject, claimed.payload, claimed.at, claimed.public_id))


def _claim(delivery_id: int, at: datetime) -> str | None:
    lease = secrets.token_hex(8)
    free = or_(Delivery.leased_until.is_(None), Delivery.leased_until < at)
    with transaction() as session:
        claimed = session.execute(
            update(Delivery)
            .where(Delivery.id == delivery_id, Delivery.state == DeliveryState.WAITING, free)
            .values(lease=lease, leased_until=at + LEASE, tries=Delivery.tries + 1)
        )
    return lease if claimed.rowcount == 1 else None  # type: ignore[attr-defined]


def _mark_done(delivery_id: int, lease: str, *, at: datetime) -> None:
    with transaction() as session:
        session.execute(
            update(Delivery)
            .where(Delivery.id == delivery_id, Delivery.lease == lease)
            .values(state=DeliveryState.DONE, done_at=at, leased_until=None, error="")
        )


def _put_back(delivery_id: int, lease: str, tries: int, error: str, *, at: datetime) -> None:
    state = DeliveryState.DEAD if tries >= MOST_TRIES else DeliveryState.WAITING
    with transaction() as session:
        session.execute(
            update(Delivery)
            .where(Delivery.id == delivery_id, Delivery.lease == lease)
            .values(state=state, due_at=at + pause(tries), leased_until=None, error=error)
        )


def _postpone(delivery_id: int, lease: str, *, until: datetime) -> None:
    mine = update(Delivery).where(Delivery.id == delivery_id, Delivery.lease == lease)
    with transaction() as session:
        session.execute(mine.values(due_at=until, leased_until=None, tries=Delivery.tries - 1))


def pause(tries: int) -> timedelta:
    """How long to wait after the n-th try: 2 s, 4 s, 8 s … at most an hour."""
    return timedelta(seconds=min(FIRST_PAUSE_S * 2 ** (tries - 1), LONGEST_PAUSE_S))


def resend(delivery_id: int, *, at: datetime) -> None:
    """Give a dead delivery a new life.

    Raises:
        IllegalMove: it is not dead.
    """
    with transaction() as session:
        revived = session.execute(
            update(Delivery)
            .where(Delivery.id == delivery_id, Delivery.state == DeliveryState.DEAD)
            .values(state=DeliveryState.WAITING, tries=0, due_at=at)
        )
        if revived.rowcount == 0:  # type: ignore[attr-defined]
            raise IllegalMove("Only a delivery that was given up can be sent again.")


class Courier:
    """A thread that delivers while its process lives."""

    def __init__(self, app: Flask) -> None:
        self.app = app
        self.leaving = threading.Event()
        self.stumbled = 0
        self.thread = threading.Thread(target=self._work, name=f"courier of {app.extensions['config'].name}", daemon=True)

    def start(self) -> None:
        self.thread.start()

    def stop(self, timeout_s: float = 5.0) -> None:
        """Finish what is in hand and leave."""
        self.tell_to_leave()
        self.thread.join(timeout_s)

    def tell_to_leave(self) -> None:
        self.leaving.set()
        self.app.extensions["outbox"].ring()

    def _work(self) -> None:
        bell: threading.Event = self.app.extensions["outbox"].bell
        while not self.leaving.is_set():
            bell.wait(min(LOOK_EVERY_S * 2**self.stumbled, LONGEST_REST_S))
            bell.clear()
            if not self.leaving.is_set():
                self._look()

    def _look(self) -> None:
        try:
            with self.app.app_context():
                while deliver_due(at=now()).delivered and not self.leaving.is_set():
                    pass
                run_due_tasks(at=now())
            self.stumbled = 0
        except Exception:
            self.stumbled = min(self.stumbled + 1, 10)
            log.exception("the courier stumbled; it rests and goes on")


def start_courier(app: Flask) -> None:
    """Start this process's courier, unless the settings say that others deliver."""
    if app.extensions["config"].courier and "courier" not in app.extensions:
        app.extensions["courier"] = Courier(app)
        app.extensions["courier"].start()


def stop_courier(app: Flask) -> None:
    """Let the courier finish and leave."""
    courier: Courier | None = app.extensions.pop("courier", None)
    if courier is not None:
        courier.stop()


def stop_couriers(apps: Iterable[Flask]) -> None:
    """Let the couriers of several shops leave, all at the same time."""
    shops = list(apps)
    for app in shops:
        if "courier" in app.extensions:
            app.extensions["courier"].tell_to_leave()
    for app in shops:
        stop_courier(app)
