"""Attempts to pay, and what became of them: money given back, disputes, transfers that came in, messages of gateways."""

from __future__ import annotations

from datetime import date, datetime
from enum import StrEnum

from sqlalchemy import CheckConstraint, Date, ForeignKey, Index, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from shop.db import Base, choice

POSITIVE = "BETWEEN 1 AND 100000000000000"


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
    """One attempt to pay an order. ``key`` is its idempotency key at the gateway, written before the first call; ``reference`` is the gateway's name for it.

    ``refunded_minor`` is what was given back or is set aside for it: a guarded UPDATE lets it grow to ``captured_minor`` and no further.
    ``attempted_at`` is when the gateway was last asked for something, ``looked_at`` when the sweep last looked.
    """

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
    looked_at: Mapped[datetime | None]
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
    """Money given back from a payment: an amount, a reason, and who gave it. Set aside (``attempting``), under way (``unknown``), for a person to send
    (``pending``), done (``captured``) or refused by the gateway (``failed``)."""

    __tablename__ = "refunds"

    id: Mapped[int] = mapped_column(primary_key=True)
    payment_id: Mapped[int] = mapped_column(ForeignKey("payments.id"), index=True)
    key: Mapped[str] = mapped_column(unique=True)
    reference: Mapped[str | None]
    amount_minor: Mapped[int]
    state: Mapped[State] = mapped_column(choice(State, "state"), default=State.PENDING)
    is_restocked: Mapped[bool] = mapped_column(default=False)
    reason: Mapped[str] = mapped_column(default="")
    error: Mapped[str] = mapped_column(default="")
    actor: Mapped[str]
    created_at: Mapped[datetime]
    attempted_at: Mapped[datetime | None]

    __table_args__ = (
        UniqueConstraint("payment_id", "reference"),
        Index("ix_refunds_state_attempted_at", "state", "attempted_at"),
        CheckConstraint(f"amount_minor {POSITIVE}", name="amount_range"),
    )


class RefundLine(Base):
    """Which pieces of an order's line a refund pays back, and how much of it stands for them."""

    __tablename__ = "refund_lines"

    refund_id: Mapped[int] = mapped_column(ForeignKey("refunds.id"), primary_key=True)
    order_line_id: Mapped[int] = mapped_column(ForeignKey("order_lines.id"), primary_key=True, index=True)
    quantity: Mapped[int]
    amount_minor: Mapped[int]

    __table_args__ = (
        CheckConstraint("quantity BETWEEN 1 AND 9999", name="quantity_range"),
        CheckConstraint("amount_minor BETWEEN 0 AND 100000000000000", name="amount_range"),
    )


class DisputeState(StrEnum):
    """The customer's bank asks for the money back; in the end the shop keeps it, or not."""

    OPEN = "open"
    WON = "won"
    LOST = "lost"


class Dispute(Base):
    """A payment that the customer's bank contests. What it takes stands in the gateway's books; here staff sees it and its last day to answer."""

    __tablename__ = "disputes"

    id: Mapped[int] = mapped_column(primary_key=True)
    payment_id: Mapped[int] = mapped_column(ForeignKey("payments.id"), index=True)
    reference: Mapped[str]
    amount_minor: Mapped[int]
    currency: Mapped[str]
    reason: Mapped[str] = mapped_column(default="")
    state: Mapped[DisputeState] = mapped_column(choice(DisputeState, "state"), default=DisputeState.OPEN)
    due_at: Mapped[datetime | None]
    created_at: Mapped[datetime]
    closed_at: Mapped[datetime | None]

    __table_args__ = (
        UniqueConstraint("payment_id", "reference"),
        Index("ix_disputes_state", "state"),
        CheckConstraint(f"amount_minor {POSITIVE}", name="amount_range"),
    )


class MessageState(StrEnum):
    """A gateway's message is in, was acted on, is about nothing of ours, or could not be acted on in many tries: a person must look."""

    RECEIVED = "received"
    HANDLED = "handled"
    IGNORED = "ignored"
    GIVEN_UP = "given_up"


class GatewayMessage(Base):
    """A message of a gateway, once per event of its. ``note`` says why it was ignored or given up, ``due_at`` when the sweep tries it (again)."""

    __tablename__ = "gateway_messages"

    id: Mapped[int] = mapped_column(primary_key=True)
    gateway: Mapped[str]
    event_id: Mapped[str]
    kind: Mapped[str]
    payment_id: Mapped[int | None] = mapped_column(ForeignKey("payments.id"), index=True)
    state: Mapped[MessageState] = mapped_column(choice(MessageState, "state"), default=MessageState.RECEIVED)
    note: Mapped[str] = mapped_column(default="")
    tries: Mapped[int] = mapped_column(default=0)
    received_at: Mapped[datetime]
    due_at: Mapped[datetime]

    __table_args__ = (UniqueConstraint("gateway", "event_id"), Index("ix_gateway_messages_state_due_at", "state", "due_at"))


class TransferState(StrEnum):
    """A transfer paid an order, waits for a person, or was laid aside by one."""

    MATCHED = "matched"
    OPEN = "open"
    DISMISSED = "dismissed"


class Transfer(Base):
    """Money that came in by bank, as the bank's list says. ``fingerprint`` makes the same line of two lists one; ``problem`` says why it waits."""

    __tablename__ = "transfers"

    id: Mapped[int] = mapped_column(primary_key=True)
    fingerprint: Mapped[str] = mapped_column(unique=True)
    booked_on: Mapped[date] = mapped_column(Date())
    amount_minor: Mapped[int]
    currency: Mapped[str]
    payer: Mapped[str] = mapped_column(default="")
    text: Mapped[str] = mapped_column(default="")
    state: Mapped[TransferState] = mapped_column(choice(TransferState, "state"), default=TransferState.OPEN)
    problem: Mapped[str] = mapped_column(default="")
    order_id: Mapped[int | None] = mapped_column(ForeignKey("orders.id"), index=True)
    actor: Mapped[str]
    imported_at: Mapped[datetime]

    __table_args__ = (
        Index("ix_transfers_state", "state", "id"),
        CheckConstraint(f"amount_minor {POSITIVE}", name="amount_range"),
    )
