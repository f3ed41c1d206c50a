"""What is kept of tokens: no token, and no key that could sign one."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import CheckConstraint, ForeignKey
from sqlalchemy.orm import Mapped, mapped_column

from shop.db import Base


class SigningKey(Base):
    """A key that signs access tokens (Ed25519). Its private half is made of ``kid`` and the shop's secret: a copy of the database signs nothing.

    ``retired_at``: since when a newer one signs; what it signed before is taken until it runs out.
    """

    __tablename__ = "signing_keys"

    id: Mapped[int] = mapped_column(primary_key=True)
    kid: Mapped[str] = mapped_column(unique=True)
    created_at: Mapped[datetime]
    retired_at: Mapped[datetime | None]

    __table_args__ = (CheckConstraint("length(kid) = 16", name="kid_length"),)


class TokenFamily(Base):
    """The tokens that follow each other from one log-in. ``name`` is what they say of it; the log-in session says whether it goes on."""

    __tablename__ = "token_families"

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(unique=True)
    login_session_id: Mapped[int] = mapped_column(ForeignKey("login_sessions.id", ondelete="CASCADE"), unique=True)


class RefreshToken(Base):
    """One token with which to ask for the next, as its SHA-256. Used rows stay for a while: a token that comes twice was stolen."""

    __tablename__ = "refresh_tokens"

    id: Mapped[int] = mapped_column(primary_key=True)
    token_hash: Mapped[str] = mapped_column(unique=True)
    family_id: Mapped[int] = mapped_column(ForeignKey("token_families.id", ondelete="CASCADE"), index=True)
    created_at: Mapped[datetime]
    used_at: Mapped[datetime | None] = mapped_column(index=True)
