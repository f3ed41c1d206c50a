"""How far each target was told, and what it was told of people."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from shop.db import Base


class AnalyticsTarget(Base):
    """A folder or a dataset. ``position`` is the last event that it has, ``batch`` counts what was loaded; ``late`` are numbers of events that were
    skipped since they were not there yet, with the moment until which they are looked for. Who exports holds ``lease``."""

    __tablename__ = "analytics_targets"

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(unique=True)
    position: Mapped[int] = mapped_column(default=0)
    batch: Mapped[int] = mapped_column(default=0)
    late: Mapped[dict[str, Any]]
    lease: Mapped[str] = mapped_column(default="")
    leased_until: Mapped[datetime | None]
    ran_at: Mapped[datetime | None]
    error: Mapped[str] = mapped_column(default="")


class AnalyticsPerson(Base):
    """What a target knows of a customer: the digest of the row, and whether it names them. It stays after an erasure until the target was told of it.

    ``made_at`` tells two customers apart that bore the same number one after the other.
    """

    __tablename__ = "analytics_people"

    id: Mapped[int] = mapped_column(primary_key=True)
    target_id: Mapped[int] = mapped_column(ForeignKey("analytics_targets.id", ondelete="CASCADE"))
    customer_id: Mapped[int]
    made_at: Mapped[datetime]
    pseudonym: Mapped[str]
    is_named: Mapped[bool]
    digest: Mapped[str]

    __table_args__ = (UniqueConstraint("target_id", "pseudonym"),)
