"""Attempts to pay, and what became of them."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from sqlalchemy import CheckConstraint, ForeignKey, Index, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from shop.db import Base, choice


class State(StrEnum):
    """An attempt waits for the customer or their bank, is with the gateway (``attempting``), nobody knows (``unknown``), or it ended."""

    PENDING = "pending"
    ATTEMPTING = "attempting"
    UNKNOWN = "unknown"
    AUTHORIZED = "authorized"
    CAPTURED = "captured"
    FAILED = "failed"
    VOIDED = "voided"


class Payment(Base):
    """One attempt to pay an order. ``key`` is its idempotency key at the gateway, written before the first call; ``reference`` is the gateway's name for it."""

    __tablename__ = "payments"

    id: Mapped[int] = mapped_column(primary_key=True)
    order_id: Mapped[int] = mapped_column(ForeignKey("orders.id"), index=True)
    gateway: Mapped[str]
    key: Mapped[str] = mapped_column(unique=True)
    reference: Mapped[str | None]
    state: Mapped[State] = mapped_column(choice(State, "state"), default=State.PENDING)
    currency: Mapped[str]
    amount_minor: Mapped[int]
    captured_minor: Mapped[int] = mapped_column(default=0)
    refunded_minor: Mapped[int] = mapped_column(default=0)
    error: Mapped[str] = mapped_column(default="")
    created_at: Mapped[datetime]
    attempted_at: Mapped[datetime | None]
    settled_at: Mapped[datetime | None]
    version: Mapped[int] = mapped_column(default=1)

    __table_args__ = (
        UniqueConstraint("gateway", "reference"),
        Index("ix_payments_state_attempted_at", "state", "attempted_at"),
        CheckConstraint("amount_minor BETWEEN 0 AND 100000000000000", name="amount_range"),
        CheckConstraint("captured_minor BETWEEN 0 AND amount_minor", name="captured_range"),
        CheckConstraint("refunded_minor BETWEEN 0 AND captured_minor", name="refunded_range"),
    )


class Refund(Base):
    """Money given back from a payment: an amount, a reason, and who gave it."""

    __tablename__ = "refunds"

    id: Mapped[int] = mapped_column(primary_key=True)
    payment_id: Mapped[int] = mapped_column(ForeignKey("payments.id"), index=True)
    key: Mapped[str] = mapped_column(unique=True)
    reference: Mapped[str | None]
    amount_minor: Mapped[int]
    state: Mapped[State] = mapped_column(choice(State, "state"), default=State.PENDING)
    reason: Mapped[str] = mapped_column(default="")
    actor: Mapped[str]
    created_at: Mapped[datetime]

    __table_args__ = (CheckConstraint("amount_minor BETWEEN 1 AND 100000000000000", name="amount_range"),)
