"""Writing down what happened, in the transaction that made it true."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from flask import current_app
from sqlalchemy import insert

from shop.db import after_commit, transaction
from shop.outbox.models import Delivery, DeliveryState, Event


def record_event(kind: str, subject: str, payload: dict[str, Any], *, at: datetime) -> int:
    """Write the event and a delivery for each consumer that subscribed to ``kind``; gives the event's id. Only inside ``transaction()``.

    ``subject`` such as ``order:42`` keeps its events in order; ``payload`` is JSON: ids and facts, no objects.
    """
    outbox = current_app.extensions["outbox"]
    with transaction() as session:
        event = Event(kind=kind, subject=subject, payload=payload, at=at)
        session.add(event)
        session.flush()
        deliveries = [
            {
                "event_id": event.id,
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
            session.execute(insert(Delivery), deliveries)
            after_commit(outbox.ring)
        return event.id
