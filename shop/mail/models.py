"""Mails: one row per cause and recipient, with every attempt to send it."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from sqlalchemy import ForeignKey, Index, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from shop.db import Base, choice


class MailState(StrEnum):
    """Where a mail stands. ``maybe_sent``: the courier died between handing it over and writing that down; it is not sent again by itself."""

    WAITING = "waiting"
    SENDING = "sending"
    SENT = "sent"
    MAYBE_SENT = "maybe_sent"
    FAILED = "failed"


class Mail(Base):
    """One message to one person for one cause (``cause`` is ``<event id>:<message>``): never two for the same."""

    __tablename__ = "mails"

    id: Mapped[int] = mapped_column(primary_key=True)
    cause: Mapped[str]
    recipient: Mapped[str]
    subject: Mapped[str]
    text: Mapped[str]
    html: Mapped[str]
    locale: Mapped[str]
    about: Mapped[str] = mapped_column(default="", index=True)
    state: Mapped[MailState] = mapped_column(choice(MailState, "state"), default=MailState.WAITING)
    created_at: Mapped[datetime]
    sent_at: Mapped[datetime | None]

    __table_args__ = (UniqueConstraint("cause", "recipient"), Index("ix_mails_state_id", "state", "id"))


class MailAttempt(Base):
    """One try to hand a mail over: when, and what the server said when it failed."""

    __tablename__ = "mail_attempts"

    id: Mapped[int] = mapped_column(primary_key=True)
    mail_id: Mapped[int] = mapped_column(ForeignKey("mails.id", ondelete="CASCADE"), index=True)
    at: Mapped[datetime]
    error: Mapped[str] = mapped_column(default="")
