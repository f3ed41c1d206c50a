"""The verbs by which staff look after accounts: make them, change them, lock them, give roles, log people out; and make roles.

Somebody must always be left who may do everything: the last administrator who can log in loses neither the role nor the way in. Whoever takes from an
administrator holds all of them first, so that two who remove each other at the same moment do so one after the other. ``held`` are the permissions of
whoever acts: nobody reaches beyond his own, neither for himself nor against others; None is the machine, which may everything.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import datetime
from typing import Any

from flask_babel import gettext as _
from sqlalchemy import ColumnElement, Row, delete, exists, func, select, update
from sqlalchemy.orm import Session, aliased

from shop.auth.models import LoginSession, Role, User
from shop.auth.permissions import ADMIN, BUILT_IN, PERMISSIONS, permissions_of
from shop.db import insert_into, transaction
from shop.errors import N_, Conflict, Forbidden, Invalid, NotFound, StaleVersion
from shop.trail.services import note_change

CODE = re.compile(r"[a-z][a-z0-9_-]{1,39}")
Held = frozenset[str] | None
COLUMNS = (User.id, User.email, User.name, User.role, User.locale, User.locked_at, User.version)


class LastAdmin(Conflict):
    """Nobody would be left who may do everything."""

    slug, title = "last-admin", N_("This is the last administrator")


class BeyondYourOwn(Forbidden):
    """Nobody gives, takes or touches rights that he does not have himself."""

    slug, title = "beyond-your-own", N_("That is beyond your own rights")


class RoleInUse(Conflict):
    """Somebody has this role."""

    slug, title = "role-in-use", N_("Somebody has this role")


# Accounts


def create_user(*, email: str, name: str, role: str, locale: str, held: Held = None, at: datetime) -> int:
    """An account without a password: its owner sets one by the link of a forgotten password. Gives its id.

    Raises:
        Invalid: the address has an account, or there is no such role.
    """
    with transaction() as session:
        _refuse_beyond(held, _permissions(session, role))
        values = {"email": email, "name": name, "role": role, "locale": locale, "created_at": at, "version": 1}
        made = insert_into(User).values(values).on_conflict_do_nothing(index_elements=[User.email]).returning(User.id)
        user_id: int | None = session.execute(made).scalar()
        if user_id is None:
            raise Invalid({"/email": [_("This address has an account.")]})
        note_change(f"user:{user_id}", {}, {"role": role}, at=at)
    return user_id


def change_user(user_id: int, *, name: str, locale: str, expected_version: int, held: Held = None, at: datetime) -> None:
    """The name and the language by which the shop speaks to somebody. The trail keeps that they were changed, not what they were.

    Raises:
        NotFound: there is no such user.
        StaleVersion: somebody else changed it since.
    """
    with transaction() as session:
        user = _hold(session, user_id, held)
        if user.version != expected_version:
            raise StaleVersion(_("Look at it again, then change it."))
        changed = [field for field, new, old in (("name", name, user.name), ("locale", locale, user.locale)) if new != old]
        if changed:
            session.execute(update(User).where(User.id == user_id).values(name=name, locale=locale, version=User.version + 1))
            note_change(f"user:{user_id}", {}, {"changed": changed}, at=at)


def give_role(user_id: int, role: str, *, held: Held = None, at: datetime) -> None:
    """Give somebody a role. They are logged out everywhere: no token outlives the rights it was made for. The same role again changes nothing.

    Raises:
        NotFound: there is no such user.
        Invalid: there is no such role.
        LastAdmin: nobody else could do everything.
    """
    with transaction() as session:
        hold_admins(session)
        user = _hold(session, user_id, held)
        _refuse_beyond(held, _permissions(session, role))
        if user.role == role:
            return
        _guarded(session, user, role=role)
        _log_out(session, user_id, at=at)
        note_change(f"user:{user_id}", {"role": user.role}, {"role": role}, at=at)


def lock_user(user_id: int, *, held: Held = None, at: datetime) -> None:
    """Keep somebody out, at once and everywhere. Locking twice changes nothing.

    Raises:
        NotFound: there is no such user.
        LastAdmin: nobody else could do everything.
    """
    with transaction() as session:
        hold_admins(session)
        user = _hold(session, user_id, held)
        if user.locked_at is not None:
            return
        _guarded(session, user, locked_at=at)
        _log_out(session, user_id, at=at)
        note_change(f"user:{user_id}", {"is_locked": False}, {"is_locked": True}, at=at)


def unlock_user(user_id: int, *, held: Held = None, at: datetime) -> None:
    """Let somebody in again.

    Raises:
        NotFound: there is no such user.
    """
    with transaction() as session:
        user = _hold(session, user_id, held)
        if user.locked_at is not None:
            session.execute(update(User).where(User.id == user_id).values(locked_at=None, version=User.version + 1))
            note_change(f"user:{user_id}", {"is_locked": True}, {"is_locked": False}, at=at)


def log_out_user(user_id: int, *, held: Held = None, at: datetime) -> int:
    """End all log-ins of somebody; gives how many there were.

    Raises:
        NotFound: there is no such user.
    """
    with transaction() as session:
        _hold(session, user_id, held)
        ended = _log_out(session, user_id, at=at)
        note_change(f"user:{user_id}", {"devices": ended}, {"devices": 0}, at=at)
        return ended


def hold_admins(session: Session) -> None:
    """Hold every administrator until the commit, in one order. On SQLite whoever writes holds everything."""
    session.execute(select(User.id).where(User.role == ADMIN).order_by(User.id).with_for_update()).all()


def is_dispensable(user_id: int) -> ColumnElement[bool]:
    """May this user lose the role or the way in? Yes, unless it is the last administrator who can log in."""
    other = aliased(User)
    return (
        (User.role != ADMIN)
        | User.locked_at.is_not(None)
        | exists().where(other.role == ADMIN, other.locked_at.is_(None), other.id != user_id).correlate(User)
    )


def refuse_last_admin() -> LastAdmin:
    return LastAdmin(_("Make somebody else an administrator first."))


def _guarded(session: Session, user: Row[Any], **values: Any) -> None:
    """Change a user in one statement that does nothing to the last administrator."""
    changed = session.execute(
        update(User)
        .where(User.id == user.id, is_dispensable(user.id))
        .values(version=User.version + 1, **values)
        .execution_options(synchronize_session=False)
    )
    if changed.rowcount != 1:  # type: ignore[attr-defined]
        raise refuse_last_admin()


def _hold(session: Session, user_id: int, held: Held) -> Any:
    user = session.execute(select(*COLUMNS).where(User.id == user_id).with_for_update()).first()
    if user is None:
        raise NotFound(_("There is no such user."))
    own = session.execute(select(Role.permissions).where(Role.code == user.role)).scalar()
    _refuse_beyond(held, permissions_of(user.role, own))
    return user


def _refuse_beyond(held: Held, wanted: frozenset[str]) -> None:
    if held is not None and wanted - held:
        raise BeyondYourOwn(_("Ask somebody who may do what this account or role may do."))


def _log_out(session: Session, user_id: int, *, at: datetime) -> int:
    open_ones = update(LoginSession).where(LoginSession.user_id == user_id, LoginSession.ended_at.is_(None))
    return session.execute(open_ones.values(ended_at=at)).rowcount  # type: ignore[attr-defined]


def _permissions(session: Session, role: str) -> frozenset[str]:
    """What a role may; holds it, so that it is not deleted while it is given."""
    if role in BUILT_IN:
        return BUILT_IN[role]
    own = session.execute(select(Role.permissions).where(Role.code == role).with_for_update(read=True)).first()
    if own is None:
        raise Invalid({"/role": [_("There is no such role.")]})
    return permissions_of(role, own.permissions)


# Roles


def create_role(*, code: str, name: str, permissions: Iterable[str], held: Held = None, at: datetime) -> None:
    """A role of the shop's own: a set of permissions under a name.

    Raises:
        Invalid: the code is taken or not a code, or a permission is unknown.
    """
    wanted = _clean(permissions)
    _refuse_beyond(held, frozenset(wanted))
    if not CODE.fullmatch(code):
        raise Invalid({"/code": [_("Use 2 to 40 small letters, digits, - and _; begin with a letter.")]})
    with transaction() as session:
        values = {"code": code, "name": name, "permissions": wanted, "version": 1}
        made = insert_into(Role).values(values).on_conflict_do_nothing(index_elements=[Role.code]).returning(Role.code)
        if code in BUILT_IN or session.execute(made).first() is None:
            raise Invalid({"/code": [_("There is a role with this code.")]})
        note_change(f"role:{code}", {}, {"name": name, "permissions": wanted}, at=at)


def change_role(code: str, *, name: str, permissions: Iterable[str], expected_version: int, held: Held = None, at: datetime) -> None:
    """Another name or other permissions for one of the shop's own roles. It counts for everybody who has it from their next page on.

    Raises:
        NotFound: there is no such role, or it came with the shop.
        Invalid: a permission is unknown.
        StaleVersion: somebody else changed it since.
    """
    wanted = _clean(permissions)
    _refuse_beyond(held, frozenset(wanted))
    with transaction() as session:
        role = _hold_role(session, code)
        if role.version != expected_version:
            raise StaleVersion(_("Look at it again, then change it."))
        _refuse_beyond(held, permissions_of(code, role.permissions))
        session.execute(update(Role).where(Role.code == code).values(name=name, permissions=wanted, version=Role.version + 1))
        note_change(f"role:{code}", {"name": role.name, "permissions": role.permissions}, {"name": name, "permissions": wanted}, at=at)


def delete_role(code: str, *, at: datetime) -> None:
    """Delete one of the shop's own roles that nobody has.

    Raises:
        NotFound: there is no such role, or it came with the shop.
        RoleInUse: somebody has it.
    """
    with transaction() as session:
        role = _hold_role(session, code)
        holders = session.execute(select(func.count()).select_from(User).where(User.role == code)).scalar_one()
        if holders:
            raise RoleInUse(_("Give those who have it another role first."), users=holders)
        session.execute(delete(Role).where(Role.code == code))
        note_change(f"role:{code}", {"name": role.name, "permissions": role.permissions}, {}, at=at)


def _hold_role(session: Session, code: str) -> Any:
    role = session.execute(select(Role.name, Role.permissions, Role.version).where(Role.code == code).with_for_update()).first()
    if role is None:
        raise NotFound(_("There is no such role among your own; those that come with the shop stay as they are."))
    return role


def _clean(permissions: Iterable[str]) -> list[str]:
    """In the order in which they are known."""
    wanted = set(permissions)
    if unknown := wanted - PERMISSIONS.keys():
        raise Invalid({"/permissions": [_("There is no permission called %(name)s.", name=sorted(unknown)[0][:60])]})
    return [name for name in PERMISSIONS if name in wanted]
