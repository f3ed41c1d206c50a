"""The verbs about people: register, log in, log out, change a password, give a role.

Passwords are hashed and checked before a transaction begins: 20 ms with the write lock held would be felt by every buyer.
Whether an account exists is not told: unknown address, wrong password and an account without password take the same steps and end in the same
words. Registration must say that an address is taken (until mails confirm addresses); it does so after the same work, and only
so often per network.
"""

from __future__ import annotations

import logging
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta

from flask import Flask, current_app
from flask_babel import gettext as _
from sqlalchemy import delete, or_, select, update
from sqlalchemy.dialects.postgresql import insert as postgresql_insert
from sqlalchemy.dialects.sqlite import insert as sqlite_insert
from sqlalchemy.orm import Session

from shop.auth import limits
from shop.auth.models import LoginSession, Role, User
from shop.auth.passwords import hash_password, needs_rehash, verify_password, why_refused
from shop.auth.queries import find_secrets, hash_token
from shop.auth.signals import user_logged_in, user_registered
from shop.db import is_sqlite, transaction
from shop.errors import N_, Forbidden, Invalid, NotFound, NotLoggedIn

log = logging.getLogger(__name__)
IDLE = timedelta(days=30)
AT_MOST = timedelta(days=90)
KEPT = timedelta(days=90)


class WrongPassword(NotLoggedIn):
    """Address and password do not go together; which of the two is wrong is not said."""

    slug, title = "wrong-password", N_("E-mail and password do not go together")


class AccountLocked(Forbidden):
    """The password is right, but the shop has locked this account."""

    slug, title = "account-locked", N_("This account is locked")


@dataclass(frozen=True, slots=True)
class LoggedIn:
    """A log-in that worked: whose it is, and the token for the cookie, which is nowhere else."""

    user_id: int
    token: str


# Coming


def register_user(
    *, email: str, name: str, password: str, locale: str, network: str, at: datetime, device: str = "", old_token: str = ""
) -> LoggedIn:
    """A new account of a customer, logged in. Guests' earlier orders with this address stay apart: nobody has shown that it is theirs.

    Raises:
        Invalid: the password is refused or the address has an account.
        TooManyTries: too many registrations from this network.
    """
    if reason := why_refused(password, about=(email, name)):
        raise Invalid({"/password": [reason]})
    limits.count_try(limits.newcomer_key(network), at=at)
    password_hash = hash_password(password)
    with transaction() as session:
        user_id = _insert_user(session, email=email, name=name, password_hash=password_hash, role=Role.CUSTOMER, locale=locale, at=at)
        if user_id is None:
            raise Invalid({"/email": [_("This address cannot be used for a new account. If it is yours, log in with it.")]})
        user_registered.send(_this_app(), user_id=user_id, email=email, name=name, locale=locale, at=at)
        token = _open_session(session, user_id, network=network, device=device, old_token=old_token, at=at)
    return LoggedIn(user_id, token)


def log_in(*, email: str, password: str, network: str, at: datetime, device: str = "", old_token: str = "") -> LoggedIn:
    """Check address and password; open a session with a new token. ``old_token``: this browser's session until now, which ends.

    Raises:
        WrongPassword: they do not go together, or there is no such account.
        AccountLocked: they do, but the account is locked.
        TooManyTries: too many tries on this account or from this network.
        TooBusy: no place for hashing became free in time.
    """
    found = find_secrets(email, network=network)
    account = limits.account_key(email, network=network, is_known_here=bool(found and found.is_known_here))
    place = limits.network_key(network)
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
        token = _open_session(session, found.id, network=network, device=device, old_token=old_token, at=at)
    return LoggedIn(found.id, token)


def tell_others(user_id: int, *, at: datetime) -> None:
    """Let other features act on a log-in in this request: the cart merges. Their failure is logged and does not undo the log-in."""
    try:
        user_logged_in.send(_this_app(), user_id=user_id, at=at)
    except Exception:
        log.exception("something failed after the log-in of user %s", user_id)


def note_visit(login_session_id: int, *, at: datetime, before: datetime) -> None:
    """Remember that this device is in use, unless that was noted after ``before``; moves its idle end on."""
    with transaction() as session:
        created_at = session.execute(
            select(LoginSession.created_at).where(
                LoginSession.id == login_session_id, LoginSession.ended_at.is_(None), LoginSession.seen_at <= before
            )
        ).scalar()
        if created_at is not None:
            session.execute(
                update(LoginSession)
                .where(LoginSession.id == login_session_id, LoginSession.ended_at.is_(None))
                .values(seen_at=at, expires_at=min(at + IDLE, created_at + AT_MOST))
            )


# Going


def log_out(token: str, *, at: datetime) -> None:
    """End the session of this token; whoever copied its cookie is out as well. Doing it twice changes nothing."""
    with transaction() as session:
        _end(session, LoginSession.token_hash == hash_token(token), at=at)


def end_login_session(login_session_id: int, *, user_id: int, at: datetime) -> None:
    """Log out one of this user's devices.

    Raises:
        NotFound: there is no such open session, or it is somebody else's.
    """
    with transaction() as session:
        if not _end(session, LoginSession.id == login_session_id, LoginSession.user_id == user_id, at=at):
            raise NotFound(_("This device is no longer logged in."))


def end_other_sessions(*, user_id: int, but: int | None, at: datetime) -> int:
    """Log out all of this user's devices but one; gives how many that were."""
    with transaction() as session:
        return _end(session, LoginSession.user_id == user_id, LoginSession.id != (but or 0), at=at)


def sweep_sessions(at: datetime) -> None:
    """Delete log-in sessions that ended or ran out some time ago: addresses of people are not kept longer than they serve."""
    over = or_(LoginSession.ended_at <= at - KEPT, LoginSession.expires_at <= at - KEPT)
    with transaction() as session:
        session.execute(delete(LoginSession).where(over))


# Changing


def rename_user(user_id: int, *, name: str) -> None:
    """The name by which the shop speaks to somebody."""
    with transaction() as session:
        session.execute(update(User).where(User.id == user_id).values(name=name, version=User.version + 1))


def change_password(*, email: str, current: str, new: str, network: str, device: str, at: datetime) -> LoggedIn:
    """A new password: every session of the user ends, this one goes on under a new token.

    Raises:
        Invalid: the current password is wrong or the new one is refused.
        TooManyTries: too many tries on this account.
    """
    found = find_secrets(email, network=network)
    if found is None:
        raise NotFound
    account, place = limits.account_key(email, network=network, is_known_here=True), limits.network_key(network)
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
        _end(session, LoginSession.user_id == found.id, at=at)
        token = _open_session(session, found.id, network=network, device=device, old_token="", at=at)
    return LoggedIn(found.id, token)


def create_admin(*, email: str, name: str, password: str, locale: str, at: datetime) -> bool:
    """An admin with this password. Somebody who has an account already becomes admin and is logged out everywhere; True when newly made.

    Raises:
        Invalid: the password is refused.
    """
    if reason := why_refused(password, about=(email, name)):
        raise Invalid({"/password": [reason]})
    password_hash = hash_password(password)
    with transaction() as session:
        made = _insert_user(session, email=email, name=name, password_hash=password_hash, role=Role.ADMIN, locale=locale, at=at)
        if made is not None:
            return True
        user_id = session.execute(
            update(User)
            .where(User.email == email)
            .values(role=Role.ADMIN, password_hash=password_hash, locked_at=None, version=User.version + 1)
            .returning(User.id)
        ).scalar_one()
        _end(session, LoginSession.user_id == user_id, at=at)
        return False


def set_role(user_id: int, role: Role, *, at: datetime) -> None:
    """Give somebody a role. They are logged out everywhere: no token outlives the rights it was made for.

    Raises:
        NotFound: there is no such user.
    """
    with transaction() as session:
        changed = session.execute(update(User).where(User.id == user_id).values(role=role, version=User.version + 1).returning(User.id))
        if changed.scalar() is None:
            raise NotFound
        _end(session, LoginSession.user_id == user_id, at=at)


# What the verbs share, inside their transaction


def _this_app() -> Flask:
    """The sender of signals: receivers listen to one shop of this process."""
    return current_app._get_current_object()  # type: ignore[attr-defined]  # noqa: SLF001


def _insert_user(session: Session, *, email: str, name: str, password_hash: str, role: Role, locale: str, at: datetime) -> int | None:
    """A new row, or None where the address has an account."""
    insert = sqlite_insert if is_sqlite() else postgresql_insert
    values = {"email": email, "name": name, "password_hash": password_hash, "role": role, "locale": locale, "created_at": at, "version": 1}
    return session.execute(insert(User).values(values).on_conflict_do_nothing(index_elements=[User.email]).returning(User.id)).scalar()


def _open_session(session: Session, user_id: int, *, network: str, device: str, old_token: str, at: datetime) -> str:
    """A new session under a new token, which is returned and kept nowhere; the one of ``old_token`` ends."""
    token = secrets.token_urlsafe(32)
    if old_token:
        _end(session, LoginSession.token_hash == hash_token(old_token), at=at)
    session.add(
        LoginSession(
            token_hash=hash_token(token),
            user_id=user_id,
            created_at=at,
            seen_at=at,
            expires_at=at + IDLE,
            address=network,
            device=device,
        )
    )
    session.flush()
    return token


def _end(session: Session, *which: object, at: datetime) -> int:
    """End the open sessions among ``which``; gives how many that were."""
    ended = session.execute(update(LoginSession).where(*which, LoginSession.ended_at.is_(None)).values(ended_at=at))  # type: ignore[arg-type]
    return ended.rowcount  # type: ignore[attr-defined]


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
