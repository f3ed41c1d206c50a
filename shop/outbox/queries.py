"""Reading deliveries: what waits, what was given up and why; for staff and for whoever watches over the shop."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from flask import current_app
from sqlalchemy import Row, bindparam, func, or_, select

from shop.db import row, rows, scalar
from shop.errors import NotFound
from shop.observe.figures import OUTBOX_DEAD, OUTBOX_LAG, OUTBOX_WAITING, TASK_LATE
from shop.observe.watch import Read
from shop.outbox.models import Delivery, DeliveryState, Event, PeriodicTask
from shop.web.pagination import Page, decode_cursor, encode_cursor

PAGE = 50
LIST = (
    select(
        Delivery.id,
        Delivery.event_id,
        Delivery.consumer,
        Delivery.subject,
        Delivery.state,
        Delivery.tries,
        Delivery.due_at,
        Delivery.error,
        Delivery.done_at,
        Event.kind,
        Event.at,
    )
    .join(Event, Event.id == Delivery.event_id)
    .order_by(Delivery.id.desc())
)
ONE = LIST.add_columns(Event.payload).where(Delivery.id == bindparam("delivery_id"))
ABOUT = LIST.where(Delivery.subject == bindparam("subject")).limit(PAGE)
COUNT = select(func.count()).select_from(Delivery).where(Delivery.state == bindparam("state"))
OLDEST_UNTRIED = select(func.min(Delivery.due_at)).where(Delivery.state == DeliveryState.WAITING, Delivery.tries == 0)
OLDEST_TASK = select(func.min(PeriodicTask.due_at)).where(PeriodicTask.name.in_(bindparam("names", expanding=True)))
COUNT_TRIED = COUNT.where(Delivery.tries > 0)


def list_deliveries(*, state: DeliveryState | None = None, search: str = "", cursor: str | None = None) -> Page[Row[Any]]:
    """Deliveries, newest first: by state, and by the beginning of event, consumer or subject."""
    wanted = LIST.where(Delivery.state == state) if state else LIST
    if search.strip():
        begins = [column.startswith(search.strip(), autoescape=True) for column in (Event.kind, Delivery.consumer, Delivery.subject)]
        wanted = wanted.where(or_(*begins))
    if cursor:
        wanted = wanted.where(Delivery.id < decode_cursor(cursor, int)[0])
    found = rows(wanted.limit(PAGE + 1))
    return Page(found[:PAGE], encode_cursor(found[PAGE - 1].id) if len(found) > PAGE else None)


def list_deliveries_about(subject: str) -> Sequence[Row[Any]]:
    """The newest deliveries about one subject, such as ``mail:7``."""
    return rows(ABOUT, subject=subject)


def get_delivery(delivery_id: int) -> Row[Any]:
    """One delivery with its event.

    Raises:
        NotFound: there is no such delivery.
    """
    found = row(ONE, delivery_id=delivery_id)
    if found is None:
        raise NotFound("There is no such delivery.")
    return found


def count_dead() -> int:
    """How many deliveries were given up and wait for a person."""
    return int(scalar(COUNT, state=DeliveryState.DEAD))


def count_retrying() -> int:
    """How many deliveries failed at least once and will be tried again."""
    return int(scalar(COUNT_TRIED, state=DeliveryState.WAITING))


def read_figures(at: datetime) -> list[Read]:
    """What Prometheus wants to know of the outbox and the periodic tasks, as it is just now. Read by a thread that serves nobody else."""
    oldest, belated = scalar(OLDEST_UNTRIED), scalar(OLDEST_TASK, names=list(current_app.extensions.get("periodic", {})))
    return [
        (OUTBOX_LAG, (), _seconds_between(oldest, at)),
        (OUTBOX_WAITING, (), float(scalar(COUNT, state=DeliveryState.WAITING))),
        (OUTBOX_DEAD, (), float(count_dead())),
        (TASK_LATE, (), _seconds_between(belated, at)),
    ]


def _seconds_between(moment: datetime | None, at: datetime) -> float:
    return max(0.0, (at - moment).total_seconds()) if moment is not None else 0.0
