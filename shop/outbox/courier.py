"""Who carries events to their consumers: a thread in each worker, or any process that calls ``deliver_due``.

The table with its leases is the truth; the bell only wakes a courier earlier. Deliveries are claimed by one guarded UPDATE, carried outside any
transaction, and marked. Fresh ones go in bundles, as many as are carried in a moment; one that was tried before goes alone, so that whatever ended
its last courier takes nobody along. A failure comes back with growing pauses, and after ``MOST_TRIES`` it lies down as a dead letter that staff can
send again and that blocks nobody. What must be delivered in order (same subject, same consumer) waits for its elder.
"""

from __future__ import annotations

import logging
import secrets
import threading
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from flask import Flask, current_app
from sqlalchemy import Row, Select, Update, bindparam, or_, select, update
from sqlalchemy.orm import aliased

from shop.clock import now
from shop.db import after_commit, connection, in_words, row, rows, transaction
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
HOLD = timedelta(seconds=5)  # what of a bundle was not begun by then goes back for others
BRISK, SLOW = timedelta(seconds=0.3), timedelta(seconds=1)  # bundles grow and shrink by the time that the last one took
BUNDLES = (1, 4, 16, 64)
MOST_TRIES = 12
FIRST_PAUSE_S = 2
LONGEST_PAUSE_S = 3600
AT_ONCE = 500
LOOK_EVERY_S = 1.0
LONGEST_REST_S = 60.0

_elder = aliased(Delivery)
_WAITING = in_words(DeliveryState.WAITING.value)  # a constant: PostgreSQL and SQLite use the index of what waits for nothing else
_FREE = or_(Delivery.leased_until.is_(None), Delivery.leased_until < bindparam("at"))
_DUE = select(Delivery.id).where(
    Delivery.state == _WAITING,
    Delivery.due_at <= bindparam("at"),
    _FREE,
    ~select(_elder.id)
    .where(
        _elder.subject == Delivery.subject,
        _elder.consumer == Delivery.consumer,
        _elder.id < Delivery.id,
        _elder.state == _WAITING,
    )
    .exists(),
)
_FRESH, _TRIED = Delivery.tries == in_words(0), Delivery.tries > in_words(0)
WHAT_WAITS = select(_DUE.where(_FRESH).exists().label("fresh"), _DUE.where(_TRIED).exists().label("tried"))


def _claim_of(chosen: Select[Any]) -> Update:
    """Lease what ``chosen`` finds and nobody else has in hand."""
    free = chosen.with_for_update(skip_locked=True).cte("chosen")  # locks wait for nobody, so that two couriers never wait for each other
    claim = update(Delivery).where(Delivery.id.in_(select(free.c.id)), Delivery.state == _WAITING)
    leased = claim.values(lease=bindparam("mine"), leased_until=bindparam("until"), tries=Delivery.tries + 1)
    return leased.returning(Delivery.id)


CLAIM_ONE = _claim_of(select(Delivery.id).where(Delivery.id == bindparam("wanted"), Delivery.state == _WAITING, _FREE))
_in_turn = (Delivery.due_at, Delivery.id)
CLAIM_FRESH = tuple(_claim_of(_DUE.where(_FRESH).order_by(*_in_turn).limit(in_words(most))) for most in BUNDLES)
CLAIM_TRIED = _claim_of(_DUE.where(_TRIED).order_by(*_in_turn).limit(in_words(1)))
CLAIMED = (
    select(
        Delivery.id,
        Delivery.consumer,
        Delivery.tries,
        Event.id.label("event_id"),
        Event.kind,
        Event.subject,
        Event.payload,
        Event.at,
        Event.public_id,
        Event.request_id,
    )
    .join(Event, Event.id == Delivery.event_id)
    .where(Delivery.id.in_(bindparam("ids", expanding=True)))
    .order_by(Delivery.id)
)
_mine = update(Delivery).where(
    Delivery.id.in_(bindparam("ids", expanding=True)), Delivery.lease == bindparam("mine"), Delivery.state == _WAITING
)
DONE = _mine.values(state=DeliveryState.DONE, done_at=bindparam("at"), leased_until=None, error="")
GIVE_BACK = _mine.values(leased_until=None, tries=Delivery.tries - 1)
POSTPONE = _mine.values(due_at=bindparam("until"), leased_until=None, tries=Delivery.tries - 1)
PUT_BACK = _mine.values(state=bindparam("then"), due_at=bindparam("at"), leased_until=None, error=bindparam("why"))


class DiedInHand(Exception):
    """A delivery that nobody lived to mark, try after try."""


@dataclass(frozen=True, slots=True)
class Round:
    """What one look at the table did."""

    delivered: int
    failed: int

    @property
    def is_full(self) -> bool:
        """It ended because it had enough, not because nothing was left."""
        return self.delivered + self.failed >= AT_ONCE


def deliver_due(*, at: datetime) -> Round:
    """Carry what is due, some hundreds at most; safe to call from many processes at once."""
    results: list[bool | None] = []
    step = 1
    while len(results) < AT_ONCE:
        waits = row(WHAT_WAITS, at=at)
        began, fresh = now(), []
        if waits and waits.fresh:
            fresh = _carry(CLAIM_FRESH[step], at)
            step = _next_step(step, len(fresh), now() - began)
        tried = _carry(CLAIM_TRIED, at) if waits and waits.tried else []
        if not fresh and not tried:
            break
        results += fresh + tried
    return Round(delivered=results.count(True), failed=results.count(False))


def _next_step(step: int, carried: int, took: timedelta) -> int:
    """How large the next bundle is: larger while a full one takes no time, smaller when others wait too long for what is in it."""
    if took > SLOW:
        return max(step - 1, 0)
    return min(step + 1, len(BUNDLES) - 1) if took < BRISK and carried == BUNDLES[step] else step


def deliver(delivery_id: int, *, at: datetime) -> bool | None:
    """Carry one delivery: True when it is done, False when it failed, None when somebody else has it or it comes later."""
    return next(iter(_carry(CLAIM_ONE, at, wanted=delivery_id)), None)


def _carry(claim: Update, at: datetime, **which: int) -> list[bool | None]:
    """Claim, hand over and mark. For each that was handed over: is it done, or None when it comes later. What was not begun in time goes back."""
    lease, began = secrets.token_hex(8), max(at, now())  # a lease runs from when it is taken
    bundle = _claim(claim, lease, {"at": at, "until": began + LEASE, **which})
    begun, done = 0, []
    results: list[bool | None] = []
    try:
        for claimed in bundle:
            if begun and now() - began > HOLD:
                break
            begun += 1
            try:
                error = _hand_over(claimed)
            except Later as later:
                _postpone(claimed, lease, until=later.at)
                results.append(None)
                continue
            if error:
                _put_back(claimed, lease, error, at=max(at, now()))
            else:
                done.append(claimed.id)
            results.append(not error)
    finally:
        _settle(lease, done, [claimed.id for claimed in bundle[begun:]])
    return results


def _claim(claim: Update, lease: str, values: dict[str, Any]) -> Sequence[Row[Any]]:
    with transaction():
        ids = connection().execute(claim, {"mine": lease, **values}).scalars().all()
        return rows(CLAIMED, ids=ids) if ids else []


def _hand_over(claimed: Row[Any]) -> str:
    """Have the consumer do its work, under the id of the request that caused it; gives what went wrong.

    Raises:
        Later: the consumer rests.
    """
    error = ""
    with following(claimed.request_id, current_app.extensions["observe"], claimed.payload) as trace:
        try:
            with span(f"deliver {claimed.consumer}", "consumer", event=claimed.kind, delivery=claimed.id, tries=claimed.tries):
                _call_consumer(claimed)
        except Later:
            raise
        except Exception as problem:
            log.exception("delivery %s to %s failed at try %s", claimed.id, claimed.consumer, claimed.tries)
            error = f"{type(problem).__name__}: {problem}"[:2000]
        outcome = "done" if not error else "dead" if claimed.tries >= MOST_TRIES else "failed"
        count(DELIVERIES, claimed.consumer, outcome)
        tell(f"delivery {outcome}", delivery=claimed.id, event=claimed.kind, consumer=claimed.consumer, ms=round(trace.took_s * 1000, 1))
    return error


def _call_consumer(claimed: Row[Any]) -> None:
    if claimed.tries > MOST_TRIES:
        raise DiedInHand("whoever carried it died, each time")
    outbox: Outbox = current_app.extensions["outbox"]
    handle = outbox.handlers[claimed.consumer]
    handle(Happened(claimed.event_id, claimed.kind, claimed.subject, claimed.payload, claimed.at, claimed.public_id))


def _settle(lease: str, done: Sequence[int], left: Sequence[int]) -> None:
    """Mark what is done, and give back what was not begun: one transaction for a whole bundle."""
    if done or left:
        with transaction():
            if done:
                connection().execute(DONE, {"ids": done, "mine": lease, "at": now()})
            if left:
                connection().execute(GIVE_BACK, {"ids": left, "mine": lease})


def _put_back(claimed: Row[Any], lease: str, error: str, *, at: datetime) -> None:
    then = DeliveryState.DEAD if claimed.tries >= MOST_TRIES else DeliveryState.WAITING
    with transaction():
        connection().execute(PUT_BACK, {"ids": [claimed.id], "mine": lease, "then": then, "at": at + pause(claimed.tries), "why": error})


def _postpone(claimed: Row[Any], lease: str, *, until: datetime) -> None:
    with transaction():
        connection().execute(POSTPONE, {"ids": [claimed.id], "mine": lease, "until": until})


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
        after_commit(current_app.extensions["outbox"].ring)


def resend_all(*, at: datetime) -> int:
    """Give all that is dead a new life; gives how many. In the order in which they happened, as ever."""
    with transaction() as session:
        dead = update(Delivery).where(Delivery.state == DeliveryState.DEAD)
        revived = session.execute(dead.values(state=DeliveryState.WAITING, tries=0, due_at=at))
        after_commit(current_app.extensions["outbox"].ring)
    return int(revived.rowcount)  # type: ignore[attr-defined]


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
        self.app.extensions["outbox"].bell.set()

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
                has_more = True
                while has_more and not self.leaving.is_set():
                    has_more = deliver_due(at=now()).delivered > 0
                    run_due_tasks(at=now())  # each time: a busy shop has tasks as well
            self.stumbled = 0
        except Exception:
            self.stumbled = min(self.stumbled + 1, 10)
            log.exception("the courier stumbled; it rests and goes on")


def start_courier(app: Flask) -> None:
    """Start this process's courier, unless the settings say that others deliver: workers on a broker, or by hand."""
    config = app.extensions["config"]
    if config.courier and not config.broker_url and "courier" not in app.extensions:
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
