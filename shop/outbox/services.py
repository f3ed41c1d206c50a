"""Writing down what happened, in the transaction that made it true."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from fnmatch import fnmatchcase
from typing import Any, cast

from flask import current_app
from sqlalchemy import Row, Table, insert

from shop.db import after_commit, connection, transaction
from shop.observe import count, tell
from shop.observe.figures import EVENTS
from shop.observe.trace import request_id
from shop.outbox import Outbox
from shop.outbox.models import Delivery, DeliveryState, Event

_events, _deliveries = cast("Table", Event.__table__), cast("Table", Delivery.__table__)
WRITE, DELIVER = insert(_events).returning(_events.c.id), insert(_deliveries)


def record_event(kind: str, subject: str, payload: dict[str, Any], *, at: datetime) -> int:
    """Write the event and a delivery for each consumer and guest that wants ``kind``; gives the event's id. Only inside ``transaction()``.

    ``subject`` such as ``order:42`` keeps its events in order; ``payload`` is JSON: ids and facts, no objects.
    """
    outbox: Outbox = current_app.extensions["outbox"]
    families = list(outbox.families) if kind in current_app.extensions["published"] else []
    with transaction():
        write = WRITE.returning(*(outbox.families[family].roll.label(family) for family in families)) if families else WRITE
        values = {"kind": kind, "subject": subject, "payload": payload, "at": at, "request_id": request_id()}
        written = connection().execute(write, values).one()
        event_id = int(written[0])
        deliveries = [
            {
                "event_id": event_id,
                "consumer": consumer,
                "subject": subject,
                "state": DeliveryState.WAITING,
                "due_at": at,
                "tries": 0,
                "lease": "",
                "error": "",
            }
            for consumer in [*outbox.consumers_of(kind), *_guests(kind, families, written)]
        ]
        if deliveries:
            connection().execute(DELIVER, deliveries)
            after_commit(outbox.ring)
        after_commit(lambda: _tell(kind, subject, payload))
        return event_id


def _guests(kind: str, families: Sequence[str], written: Row[Any]) -> list[str]:
    """Who stands on the rolls with a pattern that means ``kind``."""
    found = []
    for family, roll in zip(families, tuple(written)[1:], strict=True):
        for line in str(roll or "").splitlines():
            name, *patterns = line.split(" ")
            if any(fnmatchcase(kind, pattern) for pattern in patterns):
                found.append(f"{family}:{name}")
    return found


def _tell(kind: str, subject: str, payload: dict[str, Any]) -> None:
    """One line per fact; of the payload, which may hold words of people, only the order's number."""
    count(EVENTS, kind)
    if kind != "mail.queued":
        number = {"number": str(payload["number"])} if "number" in payload else {}
        about = subject if not subject.startswith("ticket:") else "ticket"
        tell(kind, subject=about, **number)
