"""Returns: what is asked back, why, and what became of it."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from sqlalchemy import CheckConstraint, ForeignKey, Index, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from shop.db import Base, choice


class ReturnState(StrEnum):
    """Where a return stands."""

    ASKED = "asked"
    APPROVED = "approved"
    REFUSED = "refused"
    WITHDRAWN = "withdrawn"
    RECEIVED = "received"
    REFUNDED = "refunded"


class ReturnReason(StrEnum):
    """Why goods come back; ``withdrawal`` is the customer's right and needs no reason."""

    WITHDRAWAL = "withdrawal"
    DAMAGED = "damaged"
    WRONG = "wrong"
    NOT_AS_SHOWN = "not_as_shown"
    OTHER = "other"


class ReturnRequest(Base):
    """Goods of one order that come back. ``place`` counts within the order: 1, 2, … ``note`` is the customer's, ``answer`` the shop's words to them."""

    __tablename__ = "return_requests"

    id: Mapped[int] = mapped_column(primary_key=True)
    order_id: Mapped[int] = mapped_column(ForeignKey("orders.id", ondelete="CASCADE"))
    place: Mapped[int]
    state: Mapped[ReturnState] = mapped_column(choice(ReturnState, "state"), default=ReturnState.ASKED)
    reason: Mapped[ReturnReason] = mapped_column(choice(ReturnReason, "reason"))
    note: Mapped[str] = mapped_column(default="")
    answer: Mapped[str] = mapped_column(default="")
    refund_minor: Mapped[int] = mapped_column(default=0)
    asked_by: Mapped[str]
    asked_at: Mapped[datetime]
    decided_at: Mapped[datetime | None]
    received_at: Mapped[datetime | None]
    refunded_at: Mapped[datetime | None]

    __table_args__ = (
        UniqueConstraint("order_id", "place"),
        Index("ix_return_requests_state_asked_at", "state", "asked_at", "id"),
        CheckConstraint("place BETWEEN 1 AND 10000", name="place_range"),
    )


class ReturnLine(Base):
    """So many pieces of an order line: asked, received, put back on the shelf; and those whose money this return gave back, with what they had cost
    (``settled_…``): what a refund paid back before is not paid again."""

    __tablename__ = "return_lines"

    return_id: Mapped[int] = mapped_column(ForeignKey("return_requests.id", ondelete="CASCADE"), primary_key=True)
    order_line_id: Mapped[int] = mapped_column(ForeignKey("order_lines.id", ondelete="CASCADE"), primary_key=True, index=True)
    quantity: Mapped[int]
    received_quantity: Mapped[int] = mapped_column(default=0)
    restocked_quantity: Mapped[int] = mapped_column(default=0)
    settled_quantity: Mapped[int] = mapped_column(default=0, server_default="0")
    settled_minor: Mapped[int] = mapped_column(default=0, server_default="0")

    __table_args__ = (
        CheckConstraint("quantity BETWEEN 1 AND 9999", name="quantity_range"),
        CheckConstraint("received_quantity BETWEEN 0 AND quantity", name="received_range"),
        CheckConstraint("restocked_quantity BETWEEN 0 AND received_quantity", name="restocked_range"),
        CheckConstraint("settled_quantity BETWEEN 0 AND received_quantity", name="settled_range"),
        CheckConstraint("settled_minor BETWEEN 0 AND 100000000000000", name="settled_minor_range"),
    )
