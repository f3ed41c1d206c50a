"""What people agreed to, the texts that they agreed to, and what was erased."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from shop.db import Base


class TextVersion(Base):
    """A text that people agree to, as it stood from ``since`` on: ``subject`` is a page's address or ``marketing``."""

    __tablename__ = "text_versions"

    id: Mapped[int] = mapped_column(primary_key=True)
    subject: Mapped[str]
    locale: Mapped[str]
    hash: Mapped[str]
    title: Mapped[str]
    body: Mapped[str]
    since: Mapped[datetime]

    __table_args__ = (
        UniqueConstraint("subject", "locale", "since"),
        CheckConstraint("length(hash) = 64", name="hash_length"),
    )


class Consent(Base):
    """Somebody said yes, or took it back: one row each time, the newest counts. ``subject`` is what for, the version is the text that was read."""

    __tablename__ = "consents"

    id: Mapped[int] = mapped_column(primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), index=True)
    subject: Mapped[str]
    is_given: Mapped[bool]
    text_version_id: Mapped[int] = mapped_column(ForeignKey("text_versions.id"))
    at: Mapped[datetime]


class Erasure(Base):
    """The receipt of an erasure: what went, what stayed and why. ``who`` is a keyed hash of the address: it proves that this person was erased to
    whoever asks with the address, and tells nobody else who it was.
    """

    __tablename__ = "erasures"

    id: Mapped[int] = mapped_column(primary_key=True)
    reference: Mapped[str] = mapped_column(unique=True)
    who: Mapped[str] = mapped_column(index=True)
    actor: Mapped[str]
    at: Mapped[datetime]
    erased: Mapped[dict[str, Any]]
    kept: Mapped[dict[str, Any]]

    __table_args__ = (CheckConstraint("length(who) = 64", name="who_length"), {"info": {"append_only": True}})
