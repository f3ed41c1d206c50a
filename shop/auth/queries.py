"""Reads about people: who a token belongs to, where somebody is logged in."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Row, bindparam, exists, select

from shop.auth.models import LoginSession, Role, User
from shop.db import row, rows

VISITOR = (
    select(
        User.id,
        User.email,
        User.name,
        User.role,
        User.locale,
        LoginSession.id.label("login_session_id"),
        LoginSession.seen_at,
    )
    .join(LoginSession, LoginSession.user_id == User.id)
    .where(
        LoginSession.token_hash == bindparam("token_hash"),
        LoginSession.ended_at.is_(None),
        LoginSession.expires_at > bindparam("at"),
        User.locked_at.is_(None),
    )
)
SECRETS = select(
    User.id,
    User.email,
    User.name,
    User.password_hash,
    User.locked_at,
    exists().where(LoginSession.user_id == User.id, LoginSession.address == bindparam("network")).label("is_known_here"),
).where(User.email == bindparam("email"))
DEVICES = (
    select(LoginSession.id, LoginSession.created_at, LoginSession.seen_at, LoginSession.address, LoginSession.device)
    .where(
        LoginSession.user_id == bindparam("user_id"),
        LoginSession.ended_at.is_(None),
        LoginSession.expires_at > bindparam("at"),
    )
    .order_by(LoginSession.seen_at.desc(), LoginSession.id.desc())
    .limit(100)
)
USERS = select(User.id, User.email, User.name, User.role, User.created_at, User.locked_at).order_by(User.role, User.email)


@dataclass(frozen=True, slots=True)
class Visitor:
    """Somebody who is logged in, as one statement found them. ``current_user`` is this."""

    id: int
    email: str
    name: str
    role: Role
    locale: str
    login_session_id: int
    seen_at: datetime

    is_authenticated = True
    is_active = True
    is_anonymous = False

    @property
    def is_staff(self) -> bool:
        return self.role in {Role.STAFF, Role.ADMIN}

    @property
    def is_admin(self) -> bool:
        return self.role == Role.ADMIN


def hash_token(token: str) -> str:
    """What the table keeps of a token. Tokens are 256 random bits: a fast hash is enough."""
    return hashlib.sha256(token.encode("utf-8", "replace")).hexdigest()


def find_visitor(token: str, *, at: datetime) -> Visitor | None:
    """Who holds this token, unless the session ended or expired or the user is locked."""
    found = row(VISITOR, token_hash=hash_token(token), at=at)
    return None if found is None else Visitor(*tuple(found))


def find_secrets(email: str, *, network: str) -> Row[Any] | None:
    """What it takes to check a password: id, hash, locked_at, and whether this user was ever logged in from ``network``."""
    return row(SECRETS, email=email, network=network)


def list_devices(user_id: int, *, at: datetime) -> Sequence[Row[Any]]:
    """Where this user is logged in, the latest seen first."""
    return rows(DEVICES, user_id=user_id, at=at)


def list_users() -> Sequence[Row[Any]]:
    """Everybody who can log in: staff first, then by address."""
    return rows(USERS)
