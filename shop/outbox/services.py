"""Writing down what happened, in the transaction that made it true."""

from __future__ import annotations

from datetime import datetime
from typing import Any, cast

from flask import current_app
from sqlalchemy import Table, insert

from shop.db import after_commit, connection, transaction
from shop.observe import count, tell
from shop.observe.figures import EVENTS
from shop.observe.trace import request_id
from shop.outbox.models import Delivery, DeliveryState, Event

_events, _deliveries = cast("Table", Event.__table__), cast("Table", Delivery.__table__)
WRITE, DELIVER = insert(_events).returning(_events.c.id), insert(_deliveries)


def record_event(kind: str, subject: str, payload: dict[str, Any], *, at: datetime) -> int:
    """Write the event and a delivery for each consumer that subscribed to ``kind``; gives the event's id. Only inside ``transaction()``.

    ``subject`` such as ``order:42`` keeps its events in order; ``payload`` is JSON: ids and facts, no objects.
    """
    outbox = current_app.extensions["outbox"]
    with transaction():
        event_id = int(
            connection()
            .execute(WRITE, {"kind": kind, "subject": subject, "payload": payload, "at": at, "request_id": request_id()})
            .scalar_one()
        )
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
            for consumer in outbox.consumers_of(kind)
        ]
        if deliveries:
            connection().execute(DELIVER, deliveries)
            after_commit(outbox.ring)
        after_commit(lambda: _tell(kind, subject, payload))
        return event_id


def _tell(kind: str, subject: str, payload: dict[str, Any]) -> None:
    """One line per fact; of the payload, which may hold words of people, only the order's number."""
    count(EVENTS, kind)
    if kind != "mail.queued":
        number = {"number": str(payload["number"])} if "number" in payload else {}
        about = subject if not subject.startswith("ticket:") else "ticket"
        tell(kind, subject=about, **number)
