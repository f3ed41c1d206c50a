"""Who may log in, and where they are logged in."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey
from sqlalchemy.orm import Mapped, mapped_column

from shop.db import Base, choice


class Role(Base):
    """A role that the shop made itself: a name and a set of permissions. Those that come with it stand in ``shop.auth.permissions``."""

    __tablename__ = "roles"

    code: Mapped[str] = mapped_column(primary_key=True)
    name: Mapped[str]
    permissions: Mapped[list[str]]
    version: Mapped[int] = mapped_column(default=1)

    __table_args__ = (CheckConstraint("length(code) BETWEEN 2 AND 40", name="code_length"),)


class User(Base):
    """Someone who can log in. ``email`` is normalized and lower-case; ``password_hash`` is argon2; a ``role`` that nobody knows may do nothing.

    ``email_verified_at``: since when it is known that mails to the address reach this person.
    """

    __tablename__ = "users"

    id: Mapped[int] = mapped_column(primary_key=True)
    email: Mapped[str] = mapped_column(unique=True)
    name: Mapped[str]
    password_hash: Mapped[str | None]
    role: Mapped[str] = mapped_column(default="customer")
    locale: Mapped[str] = mapped_column(default="en")
    created_at: Mapped[datetime]
    locked_at: Mapped[datetime | None]
    email_verified_at: Mapped[datetime | None]
    version: Mapped[int] = mapped_column(default=1)

    __table_args__ = (
        CheckConstraint("length(email) BETWEEN 3 AND 254", name="email_length"),
        CheckConstraint("length(role) BETWEEN 2 AND 40", name="role_length"),
    )


class LoginSession(Base):
    """One device on which a user is logged in. The cookie holds a token, this row only its SHA-256; ended rows log out at once.

    ``proved_at``: when this person last showed here who they are; ``has_second_factor``: whether by more than a password;
    ``is_remembered``: whether they wanted to stay logged in.
    """

    __tablename__ = "login_sessions"

    id: Mapped[int] = mapped_column(primary_key=True)
    token_hash: Mapped[str] = mapped_column(unique=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), index=True)
    created_at: Mapped[datetime]
    seen_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]
    proved_at: Mapped[datetime]
    has_second_factor: Mapped[bool] = mapped_column(default=False)
    is_remembered: Mapped[bool] = mapped_column(default=False)
    address: Mapped[str] = mapped_column(default="")
    device: Mapped[str] = mapped_column(default="")


class LoginTry(Base):
    """Failed log-ins counted per key (an account or a network) within a window."""

    __tablename__ = "login_tries"

    key: Mapped[str] = mapped_column(primary_key=True)
    failures: Mapped[int] = mapped_column(default=0)
    since: Mapped[datetime]


class TicketKind(StrEnum):
    """What a ticket is good for; one kind is never taken for another."""

    REGISTRATION = "registration"
    VERIFICATION = "verification"
    RESET = "reset"
    NEW_EMAIL = "new_email"
    SECOND_STEP = "second_step"
    NEW_PASSKEY = "new_passkey"
    PASSKEY = "passkey"
    SIGN_IN = "sign_in"
    LINK = "link"
    ID_TOKEN = "id_token"  # noqa: S105 - a name


class Ticket(Base):
    """Something that works once and for a short while: a link in a mail, the second step of a log-in, a challenge.

    The table holds the SHA-256 of its token. ``salt`` names it; the token is made of the salt and the shop's secret, which the table has not,
    so that no mail need be kept with its link. ``email`` is whom it was sent to; ``wanted`` what is done when it is used.
    """

    __tablename__ = "auth_tickets"

    id: Mapped[int] = mapped_column(primary_key=True)
    kind: Mapped[TicketKind] = mapped_column(choice(TicketKind, "kind"))
    salt: Mapped[str] = mapped_column(unique=True)
    token_hash: Mapped[str] = mapped_column(unique=True)
    user_id: Mapped[int | None] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), index=True)
    email: Mapped[str] = mapped_column(default="", index=True)
    wanted: Mapped[dict[str, Any]]
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime] = mapped_column(index=True)
    used_at: Mapped[datetime | None]


class AppKey(Base):
    """An app that shows six digits (TOTP). The key is made of ``salt`` and the shop's secret; ``last_step`` is the newest half minute that was used."""

    __tablename__ = "app_keys"

    user_id: Mapped[int] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), primary_key=True, autoincrement=False)
    salt: Mapped[str]
    created_at: Mapped[datetime]
    confirmed_at: Mapped[datetime | None]
    last_step: Mapped[int] = mapped_column(default=0)


class RecoveryCode(Base):
    """One of ten codes for the day on which the phone is lost. Each works once; the table holds its SHA-256."""

    __tablename__ = "recovery_codes"

    code_hash: Mapped[str] = mapped_column(primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), index=True)
    used_at: Mapped[datetime | None]


class Passkey(Base):
    """A key that a device or a password manager keeps (WebAuthn); the shop has its public half. Binary values are base64url."""

    __tablename__ = "passkeys"

    id: Mapped[int] = mapped_column(primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), index=True)
    credential: Mapped[str] = mapped_column(unique=True)
    public_key: Mapped[str]
    sign_count: Mapped[int] = mapped_column(default=0)
    transports: Mapped[list[str]]
    name: Mapped[str]
    created_at: Mapped[datetime]
    used_at: Mapped[datetime | None]

    __table_args__ = (
        CheckConstraint("length(name) BETWEEN 1 AND 60", name="name_length"),
        CheckConstraint("sign_count BETWEEN 0 AND 4294967295", name="sign_count_range"),
    )
