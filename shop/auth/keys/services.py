"""Making keys for programs, taking them back, and noting that they are in use."""

from __future__ import annotations

import secrets
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from flask_babel import gettext as _
from sqlalchemy import insert, or_, update

from shop.auth.keys.models import ApiKey
from shop.auth.keys.queries import Program
from shop.auth.permissions import PERMISSIONS
from shop.auth.queries import hash_token
from shop.db import transaction
from shop.errors import Invalid, NotFound
from shop.trail.services import note_change

BEGINNING = "bodega_"
LONGEST_DAYS = 730
NOTED_EVERY = timedelta(minutes=5)
NOT_FOR_PROGRAMS = {"keys.edit"}  # a key makes no keys


@dataclass(frozen=True, slots=True)
class NewKey:
    """A key just made: the only moment at which it can be read."""

    id: int
    key: str
    prefix: str


def looks_like_key(token: str) -> bool:
    """Is this one of our keys by its first letters? Scanners for lost secrets find them by those as well."""
    return token.startswith(BEGINNING)


def create_key(*, name: str, permissions: Iterable[str], days: int, by: int, may: frozenset[str], at: datetime) -> NewKey:
    """A key for a program. ``may``: what its maker may, which is the most that a key can.

    Raises:
        Invalid: no permission is chosen, or one that the maker lacks or that no program gets.
    """
    wanted = _allowed(permissions, may)
    prefix = BEGINNING + secrets.token_hex(4)
    key = f"{prefix}_{secrets.token_urlsafe(32)}"
    values = {
        "prefix": prefix,
        "key_hash": hash_token(key),
        "name": name,
        "permissions": wanted,
        "made_by": by,
        "created_at": at,
        "expires_at": at + timedelta(days=days),
        "used_from": "",
    }
    with transaction() as session:
        key_id = session.execute(insert(ApiKey).values(**values).returning(ApiKey.id)).scalar_one()
        note_change(f"key:{prefix}", {}, {"name": name, "permissions": wanted, "days": days}, at=at)
    return NewKey(key_id, key, prefix)


def revoke_key(key_id: int, *, at: datetime) -> None:
    """From now on nobody takes it.

    Raises:
        NotFound: there is no such key, or it was revoked before.
    """
    with transaction() as session:
        revoked = update(ApiKey).where(ApiKey.id == key_id, ApiKey.revoked_at.is_(None)).values(revoked_at=at)
        if not session.execute(revoked).rowcount:  # type: ignore[attr-defined]
            raise NotFound(_("There is no such key, or it was taken back already."))


def note_use(program: Program, *, network: str, at: datetime) -> None:
    """Remember when a program was here last, at most every few minutes."""
    before = at - NOTED_EVERY
    if program.used_at is not None and program.used_at > before:
        return
    with transaction(is_aside=True) as session:
        is_due = or_(ApiKey.used_at.is_(None), ApiKey.used_at <= before)
        session.execute(update(ApiKey).where(ApiKey.id == program.key_id, is_due).values(used_at=at, used_from=network))


def grantable(may: frozenset[str]) -> list[str]:
    """What somebody can put into a key, in the order in which permissions are known."""
    return [name for name in PERMISSIONS if name in may and name not in NOT_FOR_PROGRAMS]


def _allowed(permissions: Iterable[str], may: frozenset[str]) -> list[str]:
    wanted = set(permissions)
    if not wanted:
        raise Invalid({"/permissions": [_("Choose what the program may do.")]})
    if beyond := wanted - set(grantable(may)):
        raise Invalid({"/permissions": [_("You cannot give this to a program: %(name)s.", name=sorted(beyond)[0][:60])]})
    return [name for name in PERMISSIONS if name in wanted]
