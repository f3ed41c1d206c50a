"""Declarations of withdrawal, as they came in."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ForeignKey, Index
from sqlalchemy.orm import Mapped, mapped_column

from shop.db import Base


class Withdrawal(Base):
    """What somebody declared, word for word, and when. ``order_id`` is the order it means, where number and e-mail are those of one.

    ``reference`` names it in the receipt; ``handled_at`` and ``handled_by`` say that staff did what follows from it.
    """

    __tablename__ = "withdrawals"

    id: Mapped[int] = mapped_column(primary_key=True)
    reference: Mapped[str] = mapped_column(unique=True)
    name: Mapped[str]
    order_number: Mapped[str]
    email: Mapped[str]
    note: Mapped[str] = mapped_column(default="")
    locale: Mapped[str]
    received_at: Mapped[datetime]
    order_id: Mapped[int | None] = mapped_column(ForeignKey("orders.id", ondelete="SET NULL"), index=True)
    handled_at: Mapped[datetime | None]
    handled_by: Mapped[str] = mapped_column(default="")
    outcome: Mapped[str] = mapped_column(default="")

    __table_args__ = (Index("ix_withdrawals_handled_at_received_at", "handled_at", "received_at"),)
