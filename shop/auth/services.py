"""The verbs about people: log in, change a password, give a role, lock.

Passwords are hashed and checked before a transaction begins: 20 ms with the write lock held would be felt by every buyer.
Whether an account exists is not told: unknown address, wrong password and an account without password take the same steps and end in the same
words. What is proven by a link in a mail (registration, a forgotten password, another address) stands in ``mailed``, the second step of a
log-in in ``second``, the sessions themselves in ``sessions``.
"""

from __future__ import annotations

import logging
from datetime import datetime

from flask import Flask, current_app
from flask_babel import gettext as _
from sqlalchemy import select, update
from sqlalchemy.orm import Session

from shop.auth import limits
from shop.auth.models import LoginSession, User
from shop.auth.passwords import hash_password, needs_rehash, verify_password, why_refused
from shop.auth.permissions import ADMIN
from shop.auth.queries import find_secrets
from shop.auth.second.services import SecondFactorNeeded, let_in
from shop.auth.sessions import Doorstep, LoggedIn, end_sessions, open_session
from shop.auth.signals import user_logged_in
from shop.auth.tickets import void_all_of
from shop.db import insert_into, transaction
from shop.errors import N_, Forbidden, Invalid, NotFound, NotLoggedIn
from shop.observe import tell_refusals
from shop.outbox.services import record_event

log = logging.getLogger(__name__)


class WrongPassword(NotLoggedIn):
    """Address and password do not go together; which of the two is wrong is not said."""

    slug, title = "wrong-password", N_("E-mail and password do not go together")


class AccountLocked(Forbidden):
    """The password is right, but the shop has locked this account."""

    slug, title = "account-locked", N_("This account is locked")


# Coming


@tell_refusals("password")
def log_in(*, email: str, password: str, step: Doorstep, at: datetime) -> LoggedIn:
    """Check address and password; open a session with a new token, unless this person must show more than that.

    Raises:
        SecondFactorNeeded: both are right; go on with its ticket.
        WrongPassword: they do not go together, or there is no such account.
        AccountLocked: they do, but the account is locked.
        TooManyTries: too many tries on this account or from this network.
        TooBusy: no place for hashing became free in time.
    """
    found = find_secrets(email, network=step.network)
    account = limits.account_key(email, network=step.network, is_known_here=bool(found and found.is_known_here))
    place = limits.network_key(step.network)
    limits.count_try(account, place, at=at)
    is_right = verify_password(password, found.password_hash if found else None)
    if found is None or not is_right:
        raise WrongPassword(_("Check both and try again. Capital letters count in the password."))
    if found.locked_at is not None:
        raise AccountLocked(_("Write to us, and we will look at it together."))
    new_hash = hash_password(password) if needs_rehash(found.password_hash) else ""
    with transaction() as session:
        if not _still_has(session, found.id, found.password_hash):
            raise WrongPassword(_("Your password was changed a moment ago. Use the new one."))
        if new_hash:
            _set_hash(session, found.id, old=found.password_hash, new=new_hash)
        limits.forgive(session, account=account, network=place)
        entry = let_in(session, found.id, step, at=at)
    if isinstance(entry, SecondFactorNeeded):
        raise entry
    return entry


def tell_others(user_id: int, *, at: datetime) -> None:
    """Let other features act on a log-in in this request: the cart merges. Their failure is logged and does not undo the log-in."""
    try:
        user_logged_in.send(_this_app(), user_id=user_id, at=at)
    except Exception:
        log.exception("something failed after the log-in of user %s", user_id)


# Changing


def rename_user(user_id: int, *, name: str) -> None:
    """The name by which the shop speaks to somebody."""
    with transaction() as session:
        session.execute(update(User).where(User.id == user_id).values(name=name, version=User.version + 1))


def change_password(*, email: str, current: str, new: str, step: Doorstep, has_second_factor: bool = False, at: datetime) -> LoggedIn:
    """A new password: every session of the user ends, this one goes on under a new token. Links that were mailed before work no more.

    Raises:
        Invalid: the current password is wrong or the new one is refused.
        TooManyTries: too many tries on this account.
    """
    found = find_secrets(email, network=step.network)
    if found is None:
        raise NotFound
    account, place = limits.account_key(email, network=step.network, is_known_here=True), limits.network_key(step.network)
    limits.count_try(account, place, at=at)
    if not verify_password(current, found.password_hash):
        raise Invalid({"/current": [_("This is not your password of today.")]})
    if reason := why_refused(new, about=(found.email, found.name)):
        raise Invalid({"/new": [reason]})
    new_hash = hash_password(new)
    with transaction() as session:
        if not _set_hash(session, found.id, old=found.password_hash, new=new_hash):
            raise Invalid({"/current": [_("Your password was changed a moment ago. Use the new one.")]})
        limits.forgive(session, account=account, network=place)
        end_sessions(session, LoginSession.user_id == found.id, at=at)
        void_all_of(session, found.id, found.email, at=at)
        record_event("user.password_changed", f"user:{found.id}", {"user_id": found.id}, at=at)
        return open_session(session, found.id, step, at=at, has_second_factor=has_second_factor)


def prove_again(login_session_id: int, *, email: str, password: str, network: str, at: datetime) -> None:
    """Somebody who is logged in shows once more who they are, before something that a borrowed device must not do.

    Raises:
        Invalid: this is not the password.
        TooManyTries: too many tries on this account.
    """
    found = find_secrets(email, network=network)
    account, place = limits.account_key(email, network=network, is_known_here=True), limits.network_key(network)
    limits.count_try(account, place, at=at)
    if found is None or not verify_password(password, found.password_hash):
        raise Invalid({"/password": [_("This is not your password.")]})
    with transaction() as session:
        limits.forgive(session, account=account, network=place)
        session.execute(
            update(LoginSession)
            .where(LoginSession.id == login_session_id, LoginSession.user_id == found.id, LoginSession.ended_at.is_(None))
            .values(proved_at=at)
        )


def create_admin(*, email: str, name: str, password: str, locale: str, at: datetime) -> bool:
    """An admin with this password. Somebody who has an account already becomes admin and is logged out everywhere; True when newly made.

    Raises:
        Invalid: the password is refused.
    """
    if reason := why_refused(password, about=(email, name)):
        raise Invalid({"/password": [reason]})
    password_hash = hash_password(password)
    with transaction() as session:
        made = insert_user(session, email=email, name=name, password_hash=password_hash, role=ADMIN, locale=locale, verified_at=None, at=at)
        if made is not None:
            return True
        user_id = session.execute(
            update(User)
            .where(User.email == email)
            .values(role=ADMIN, password_hash=password_hash, locked_at=None, version=User.version + 1)
            .returning(User.id)
        ).scalar_one()
        end_sessions(session, LoginSession.user_id == user_id, at=at)
        void_all_of(session, user_id, email, at=at)
        return False


# What the verbs share, inside their transaction


def _this_app() -> Flask:
    """The sender of signals: receivers listen to one shop of this process."""
    return current_app._get_current_object()  # type: ignore[attr-defined]  # noqa: SLF001


def insert_user(
    session: Session,
    *,
    email: str,
    name: str,
    password_hash: str | None,
    role: str,
    locale: str,
    verified_at: datetime | None,
    at: datetime,
) -> int | None:
    """A new row, or None where the address has an account."""
    values = {
        "email": email,
        "name": name,
        "password_hash": password_hash,
        "role": role,
        "locale": locale,
        "created_at": at,
        "email_verified_at": verified_at,
        "version": 1,
    }
    return session.execute(insert_into(User).values(values).on_conflict_do_nothing(index_elements=[User.email]).returning(User.id)).scalar()


def _still_has(session: Session, user_id: int, password_hash: str) -> bool:
    """Hold the user, unless password or lock changed since it was checked: who ended all sessions must not miss one that opens just then."""
    same = select(User.id).where(User.id == user_id, User.password_hash == password_hash, User.locked_at.is_(None))
    return session.execute(same.with_for_update()).first() is not None


def _set_hash(session: Session, user_id: int, *, old: str | None, new: str) -> bool:
    """Replace the hash if it is still the one that was checked."""
    changed = session.execute(
        update(User).where(User.id == user_id, User.password_hash == old).values(password_hash=new, version=User.version + 1)
    )
    return bool(changed.rowcount)  # type: ignore[attr-defined]
