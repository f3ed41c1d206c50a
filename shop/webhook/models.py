"""The addresses that hear of events, and every attempt to tell them."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from sqlalchemy import CheckConstraint, ForeignKey, Index
from sqlalchemy.orm import Mapped, mapped_column

from shop.db import Base, choice


class EndpointState(StrEnum):
    """Told of what happens; held back by staff; switched off by the shop, since it answered 410 or failed for days."""

    ACTIVE = "active"
    PAUSED = "paused"
    OFF = "off"


class WebhookEndpoint(Base):
    """One address. ``name`` is how the outbox knows it (``webhook:<name>``); ``kinds`` are patterns of events with spaces between.

    Its secret is made of ``salt`` and the shop's own: a copy of the database signs nothing. While it is changed, ``old_salt`` counts until ``old_until``.
    ``failing_since`` and ``failures`` count from the last success on; until ``resting_until`` nothing is sent, so that who is away costs no time.
    """

    __tablename__ = "webhook_endpoints"

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(unique=True)
    url: Mapped[str]
    note: Mapped[str] = mapped_column(default="")
    kinds: Mapped[str]
    state: Mapped[EndpointState] = mapped_column(choice(EndpointState, "state"), default=EndpointState.ACTIVE)
    why_off: Mapped[str] = mapped_column(default="")
    salt: Mapped[str]
    old_salt: Mapped[str] = mapped_column(default="")
    old_until: Mapped[datetime | None]
    failures: Mapped[int] = mapped_column(default=0)
    failing_since: Mapped[datetime | None]
    resting_until: Mapped[datetime | None]
    created_at: Mapped[datetime]
    version: Mapped[int] = mapped_column(default=1)

    __table_args__ = (
        CheckConstraint("length(name) = 16", name="name_length"),
        CheckConstraint("length(url) BETWEEN 8 AND 2000", name="url_length"),
        CheckConstraint("length(kinds) BETWEEN 1 AND 2000", name="kinds_length"),
    )


class WebhookAttempt(Base):
    """One try to tell one event: ``status`` is None where nobody answered; ``answer`` holds the first characters of what was said.

    ``event_id`` is the event's public name, the receiver's ``webhook-id``; ``delivery_id`` is None for a test.
    """

    __tablename__ = "webhook_attempts"

    id: Mapped[int] = mapped_column(primary_key=True)
    endpoint_id: Mapped[int] = mapped_column(ForeignKey("webhook_endpoints.id", ondelete="CASCADE"))
    delivery_id: Mapped[int | None] = mapped_column(ForeignKey("deliveries.id", ondelete="SET NULL"), index=True)
    event_id: Mapped[str]
    kind: Mapped[str]
    subject: Mapped[str]
    at: Mapped[datetime] = mapped_column(index=True)
    status: Mapped[int | None]
    took_ms: Mapped[int]
    error: Mapped[str] = mapped_column(default="")
    answer: Mapped[str] = mapped_column(default="")

    __table_args__ = (
        Index("ix_webhook_attempts_endpoint_id_id", "endpoint_id", "id"),
        CheckConstraint("status BETWEEN 100 AND 999", name="status_range"),
    )

    @property
    def is_good(self) -> bool:
        """Did the receiver take it?"""
        return self.status is not None and 200 <= self.status < 300
