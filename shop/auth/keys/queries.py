"""Reads about keys."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Row, bindparam, select

from shop.auth.keys.models import ApiKey
from shop.auth.models import Role, User
from shop.auth.permissions import permissions_of
from shop.auth.queries import hash_token
from shop.db import row, rows
from shop.errors import BadToken

LONG_AGO = datetime(1970, 1, 1, tzinfo=UTC)
BY_HASH = (
    select(
        ApiKey.id.label("key_id"),
        ApiKey.prefix,
        ApiKey.name,
        ApiKey.permissions,
        ApiKey.used_at,
        User.id,
        User.email,
        User.role,
        User.locale,
        Role.permissions.label("role_permissions"),
    )
    .join(User, User.id == ApiKey.made_by)
    .outerjoin(Role, Role.code == User.role)
    .where(
        ApiKey.key_hash == bindparam("key_hash"),
        ApiKey.revoked_at.is_(None),
        ApiKey.expires_at > bindparam("at"),
        User.locked_at.is_(None),
    )
)
KEYS = (
    select(
        ApiKey.id,
        ApiKey.prefix,
        ApiKey.name,
        ApiKey.permissions,
        ApiKey.created_at,
        ApiKey.expires_at,
        ApiKey.revoked_at,
        ApiKey.used_at,
        ApiKey.used_from,
        User.email.label("made_by"),
    )
    .join(User, User.id == ApiKey.made_by)
    .order_by(ApiKey.revoked_at.is_not(None), ApiKey.id.desc())
    .limit(500)
)


@dataclass(frozen=True, slots=True)
class Program:
    """Whoever shows a key, as ``current_user``: what it does is done by its maker's account, under the name of the key."""

    id: int
    email: str
    name: str
    role: str
    locale: str
    key_id: int
    prefix: str
    used_at: datetime | None
    permissions: frozenset[str]

    is_authenticated = is_active = True
    is_anonymous = is_admin = is_held_back = has_second_factor = is_remembered = False
    login_session_id = None
    email_verified_at = None
    proved_at = LONG_AGO

    @property
    def acts_as(self) -> str:
        """Whom the trail of the staff names: the key and whose it is."""
        return f"{self.prefix} {self.email}"[:254]

    @property
    def is_staff(self) -> bool:
        return bool(self.permissions)

    def may(self, permission: str) -> bool:
        return permission in self.permissions


def find_program(key: str, *, at: datetime) -> Program:
    """Whose key this is.

    Raises:
        BadToken: there is none, it ended or was revoked, or its maker is locked.
    """
    found = row(BY_HASH, key_hash=hash_token(key), at=at)
    if found is None:
        raise BadToken
    return Program(
        id=found.id,
        email=found.email,
        name=f"{found.name} ({found.prefix})",
        role=found.role,
        locale=found.locale,
        key_id=found.key_id,
        prefix=found.prefix,
        used_at=found.used_at,
        permissions=frozenset(found.permissions) & permissions_of(found.role, found.role_permissions),
    )


def list_keys() -> Sequence[Row[Any]]:
    """Every key, newest first, revoked ones at the end."""
    return rows(KEYS)
