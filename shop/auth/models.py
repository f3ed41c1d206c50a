"""Who may log in, and where they are logged in."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from sqlalchemy import CheckConstraint, ForeignKey
from sqlalchemy.orm import Mapped, mapped_column

from shop.db import Base, choice


class Role(StrEnum):
    """What a person is to the shop: buys, works here, or runs it."""

    CUSTOMER = "customer"
    STAFF = "staff"
    ADMIN = "admin"


class User(Base):
    """Someone who can log in. ``email`` is normalized and lower-case; ``password_hash`` is argon2."""

    __tablename__ = "users"

    id: Mapped[int] = mapped_column(primary_key=True)
    email: Mapped[str] = mapped_column(unique=True)
    name: Mapped[str]
    password_hash: Mapped[str | None]
    role: Mapped[Role] = mapped_column(choice(Role, "role"), default=Role.CUSTOMER)
    locale: Mapped[str] = mapped_column(default="en")
    created_at: Mapped[datetime]
    locked_at: Mapped[datetime | None]
    version: Mapped[int] = mapped_column(default=1)

    __table_args__ = (CheckConstraint("length(email) BETWEEN 3 AND 254", name="email_length"),)

    @property
    def is_staff(self) -> bool:
        return self.role in {Role.STAFF, Role.ADMIN}


class LoginSession(Base):
    """One device on which a user is logged in. The cookie holds a token, this row only its SHA-256; ended rows log out at once."""

    __tablename__ = "login_sessions"

    id: Mapped[int] = mapped_column(primary_key=True)
    token_hash: Mapped[str] = mapped_column(unique=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), index=True)
    created_at: Mapped[datetime]
    seen_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]
    address: Mapped[str] = mapped_column(default="")
    device: Mapped[str] = mapped_column(default="")


class LoginTry(Base):
    """Failed log-ins counted per key (an account or a network) within a window."""

    __tablename__ = "login_tries"

    key: Mapped[str] = mapped_column(primary_key=True)
    failures: Mapped[int] = mapped_column(default=0)
    since: Mapped[datetime]
