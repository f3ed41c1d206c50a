"""What happened, and who must hear of it."""

from __future__ import annotations

import secrets
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import ForeignKey, Index, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from shop.db import Base, choice


def new_public_id() -> str:
    return secrets.token_hex(16)


class Event(Base):
    """A fact, written in the transaction that made it true. ``subject`` (``order:42``) is the object whose events keep their order.

    ``public_id`` names it outside of the shop: the same at every try, and it tells nobody how much happens here.
    """

    __tablename__ = "events"

    id: Mapped[int] = mapped_column(primary_key=True)
    kind: Mapped[str]
    subject: Mapped[str] = mapped_column(index=True)
    payload: Mapped[dict[str, Any]]
    at: Mapped[datetime]
    public_id: Mapped[str] = mapped_column(default=new_public_id)
    request_id: Mapped[str] = mapped_column(default="")


class DeliveryState(StrEnum):
    """A delivery waits, is done, or was given up."""

    WAITING = "waiting"
    DONE = "done"
    DEAD = "dead"


class Delivery(Base):
    """One consumer's copy of an event. A courier holds it by a lease until ``leased_until``; ``due_at`` is when it may be tried (again)."""

    __tablename__ = "deliveries"

    id: Mapped[int] = mapped_column(primary_key=True)
    event_id: Mapped[int] = mapped_column(ForeignKey("events.id", ondelete="CASCADE"))
    consumer: Mapped[str]
    subject: Mapped[str]
    state: Mapped[DeliveryState] = mapped_column(choice(DeliveryState, "state"), default=DeliveryState.WAITING)
    tries: Mapped[int] = mapped_column(default=0)
    due_at: Mapped[datetime]
    leased_until: Mapped[datetime | None]
    lease: Mapped[str] = mapped_column(default="")
    error: Mapped[str] = mapped_column(default="")
    done_at: Mapped[datetime | None]

    __table_args__ = (
        UniqueConstraint("event_id", "consumer"),
        Index("ix_deliveries_state_tries_due_at", "state", "tries", "due_at"),
        Index("ix_deliveries_subject_id", "subject", "id"),
        Index("ix_deliveries_elders", "subject", "consumer", "id", sqlite_where=text("state = 'waiting'")),  # who must be delivered first
    )


class PeriodicTask(Base):
    """When a periodic task runs next; who moves ``due_at`` ahead runs it. How it went last: ``took_ms``, and ``error`` when it failed."""

    __tablename__ = "periodic_tasks"

    name: Mapped[str] = mapped_column(primary_key=True)
    due_at: Mapped[datetime]
    ran_at: Mapped[datetime | None]
    took_ms: Mapped[int] = mapped_column(default=0)
    error: Mapped[str] = mapped_column(default="")
