"""Reads about people: who a token belongs to, where somebody is logged in."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Row, bindparam, exists, select

from shop.auth.models import LoginSession, Role, User
from shop.auth.permissions import ADMIN, permissions_of
from shop.db import row, rows, scalar

VISITORS = (
    select(
        User.id,
        User.email,
        User.name,
        User.role,
        User.locale,
        LoginSession.id.label("login_session_id"),
        LoginSession.seen_at,
        LoginSession.proved_at,
        LoginSession.has_second_factor,
        LoginSession.is_remembered,
        User.email_verified_at,
        Role.permissions,
    )
    .join(LoginSession, LoginSession.user_id == User.id)
    .outerjoin(Role, Role.code == User.role)
    .where(LoginSession.ended_at.is_(None), LoginSession.expires_at > bindparam("at"), User.locked_at.is_(None))
)
VISITOR = VISITORS.where(LoginSession.token_hash == bindparam("token_hash"))
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
VERIFIED = select(User.email).where(User.id == bindparam("user_id"), User.email_verified_at.is_not(None))
USERS = select(User.id, User.email, User.name, User.role, User.created_at, User.locked_at).order_by(User.role, User.email)


@dataclass(frozen=True, slots=True)
class Visitor:
    """Somebody who is logged in, as one statement found them. ``current_user`` is this.

    ``is_held_back``: works here, and may do nothing before showing a second factor.
    """

    id: int
    email: str
    name: str
    role: str
    locale: str
    login_session_id: int
    seen_at: datetime
    proved_at: datetime
    has_second_factor: bool
    is_remembered: bool
    email_verified_at: datetime | None
    permissions: frozenset[str]
    is_held_back: bool = False

    is_authenticated = True
    is_active = True
    is_anonymous = False

    @property
    def is_staff(self) -> bool:
        """Does somebody with this role work here?"""
        return bool(self.permissions)

    @property
    def is_admin(self) -> bool:
        return self.role == ADMIN

    def may(self, permission: str) -> bool:
        return permission in self.permissions


def hash_token(token: str) -> str:
    """What the table keeps of a token. Tokens are 256 random bits: a fast hash is enough."""
    return hashlib.sha256(token.encode("utf-8", "replace")).hexdigest()


def find_visitor(token: str, *, at: datetime, staff_needs_second_factor: bool = False) -> Visitor | None:
    """Who holds this token, unless the session ended or expired or the user is locked."""
    found = row(VISITOR, token_hash=hash_token(token), at=at)
    return None if found is None else visitor_of(found, staff_needs_second_factor=staff_needs_second_factor)


def visitor_of(found: Row[Any], *, staff_needs_second_factor: bool) -> Visitor:
    """Somebody as ``VISITORS`` found them."""
    permissions = permissions_of(found.role, found.permissions)
    is_held_back = staff_needs_second_factor and bool(permissions) and not found.has_second_factor
    return Visitor(**{**found._asdict(), "permissions": frozenset() if is_held_back else permissions, "is_held_back": is_held_back})


def find_secrets(email: str, *, network: str) -> Row[Any] | None:
    """What it takes to check a password: id, hash, locked_at, and whether this user was ever logged in from ``network``."""
    return row(SECRETS, email=email, network=network)


def find_verified_email(user_id: int) -> str:
    """The address that is shown to be this person's own, or ""."""
    return str(scalar(VERIFIED, user_id=user_id) or "")


def list_devices(user_id: int, *, at: datetime) -> Sequence[Row[Any]]:
    """Where this user is logged in, the latest seen first."""
    return rows(DEVICES, user_id=user_id, at=at)


def list_users() -> Sequence[Row[Any]]:
    """Everybody who can log in: staff first, then by address."""
    return rows(USERS)
