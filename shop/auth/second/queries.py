"""Reads about second factors."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Row, bindparam, func, select

from shop.auth.models import AppKey, Passkey, RecoveryCode
from shop.db import row, rows, scalar

APP = select(AppKey.salt, AppKey.created_at, AppKey.confirmed_at).where(AppKey.user_id == bindparam("user_id"))
CODES_LEFT = select(func.count()).where(RecoveryCode.user_id == bindparam("user_id"), RecoveryCode.used_at.is_(None))
PASSKEYS = (
    select(Passkey.id, Passkey.name, Passkey.created_at, Passkey.used_at, Passkey.credential, Passkey.transports)
    .where(Passkey.user_id == bindparam("user_id"))
    .order_by(Passkey.id)
)


@dataclass(frozen=True, slots=True)
class Locks:
    """What guards an account besides its password."""

    app_since: datetime | None
    codes_left: int
    passkeys: Sequence[Row[Any]]

    @property
    def is_strong(self) -> bool:
        return self.app_since is not None or bool(self.passkeys)


def list_locks(user_id: int) -> Locks:
    """All of them."""
    app = row(APP, user_id=user_id)
    return Locks(app.confirmed_at if app else None, int(scalar(CODES_LEFT, user_id=user_id)), list_passkeys(user_id))


def list_passkeys(user_id: int) -> Sequence[Row[Any]]:
    """This person's passkeys, oldest first."""
    return rows(PASSKEYS, user_id=user_id)


def find_begun_app(user_id: int) -> str:
    """The salt of an app that waits for its first code, or ""."""
    app = row(APP, user_id=user_id)
    return app.salt if app is not None and app.confirmed_at is None else ""


def list_methods(user_id: int) -> list[str]:
    """With what this person can take the second step: ``app``, ``passkey``."""
    locks = list_locks(user_id)
    return [name for name, there in (("app", locks.app_since), ("passkey", locks.passkeys)) if there]
