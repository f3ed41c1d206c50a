"""The second step of a log-in, the app with its six digits (TOTP), and recovery codes.

A code works once: the half minute of the last one is kept, and an older one is refused. Source: RFC 6238, 5.2.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from flask import current_app
from flask_babel import gettext as _
from sqlalchemy import Row, delete, insert, select, update
from sqlalchemy.orm import Session

from shop.auth import limits, tickets
from shop.auth.models import AppKey, LoginSession, Passkey, RecoveryCode, Ticket, TicketKind, User
from shop.auth.sessions import Doorstep, LoggedIn, end_sessions, open_session
from shop.db import insert_into, transaction
from shop.errors import N_, IllegalMove, Invalid, NotLoggedIn
from shop.observe import tell_refusals
from shop.outbox.services import record_event

if TYPE_CHECKING:
    from pyotp import TOTP

TEN_MINUTES = timedelta(minutes=10)
STEP_S = 30
DIGITS = 6
CODES = 10
CODE_BYTES = 10  # 80 bits: the table keeps a fast hash


class SecondFactorNeeded(NotLoggedIn):
    """The password is right. ``extras``: the ``ticket`` with which to go on within ten minutes, and the ``methods`` that this person has."""

    slug, title = "second-factor-needed", N_("One more step")


# Logging in


def let_in(session: Session, user_id: int, step: Doorstep, *, at: datetime) -> LoggedIn | SecondFactorNeeded:
    """After the first proof, inside its transaction: a session, or the second step for whoever has a second factor. Raise it after the commit."""
    methods = methods_of(session, user_id)
    if not methods:
        return open_session(session, user_id, step, at=at)
    wanted = {"is_remembered": step.is_remembered}
    issued = tickets.issue(session, TicketKind.SECOND_STEP, ttl=TEN_MINUTES, user_id=user_id, wanted=wanted, at=at)
    return SecondFactorNeeded(_("Show your second factor to finish."), ticket=issued.token, methods=methods)


def methods_of(session: Session, user_id: int) -> list[str]:
    """What this person can show besides a password: ``app``, ``passkey``; with either goes ``recovery_code``."""
    has_app = session.execute(select(AppKey.user_id).where(AppKey.user_id == user_id, AppKey.confirmed_at.is_not(None))).first()
    has_passkey = session.execute(select(Passkey.id).where(Passkey.user_id == user_id).limit(1)).first()
    found = [name for name, there in (("app", has_app), ("passkey", has_passkey)) if there]
    return [*found, "recovery_code"] if found else []


@tell_refusals("code")
def finish_log_in(ticket_token: str, *, code: str, step: Doorstep, at: datetime) -> LoggedIn:
    """The second step, by six digits of the app or a recovery code.

    Raises:
        LinkDead: the password was given too long ago, or changed since.
        Invalid: the code is wrong, too old, or was used.
        TooManyTries: too many codes tried.
    """
    ticket = tickets.get_ticket(ticket_token, TicketKind.SECOND_STEP, at=at)
    key = limits.second_key(ticket.user_id)
    limits.count_try(key, at=at)
    with transaction() as session:
        if not _use_code(session, ticket.user_id, code, at=at):
            raise Invalid({"/code": [wrong_code()]})
        limits.forgive(session, account=key, network="")
        return finish(session, ticket, step, at=at)


def finish(session: Session, ticket: Row[Any], step: Doorstep, *, at: datetime) -> LoggedIn:
    """Use up the ticket of the first step and open the session, inside the transaction that took the second factor.

    Raises:
        LinkDead: the ticket was used, or the account is locked by now.
    """
    tickets.claim(session, ticket.id, at=at)
    is_open = select(User.id).where(User.id == ticket.user_id, User.locked_at.is_(None)).with_for_update()
    if session.execute(is_open).first() is None:
        raise tickets.dead()
    step = Doorstep(step.network, step.device, step.old_token, bool(ticket.wanted.get("is_remembered")))
    return open_session(session, ticket.user_id, step, at=at, has_second_factor=True)


def wrong_code() -> str:
    return str(_("This code is wrong or was used already. Wait for the next one, or use a recovery code."))


def _use_code(session: Session, user_id: int, code: str, *, at: datetime) -> bool:
    plain = "".join(code.split()).replace("-", "")
    if len(plain) == DIGITS and plain.isascii() and plain.isdigit():
        return _use_digits(session, user_id, plain, at=at, is_confirmed=True)
    return _use_recovery_code(session, user_id, plain, at=at)


def _use_digits(session: Session, user_id: int, digits: str, *, at: datetime, is_confirmed: bool) -> bool:
    is_ready = AppKey.confirmed_at.is_not(None) if is_confirmed else AppKey.confirmed_at.is_(None)
    salt = session.execute(select(AppKey.salt).where(AppKey.user_id == user_id, is_ready)).scalar()
    if salt is None:
        return False
    totp, today = app_of(salt), int(at.timestamp()) // STEP_S
    fitting = [step for step in (today, today - 1, today + 1) if hmac.compare_digest(totp.generate_otp(step), digits)]
    if not fitting:
        return False
    used = session.execute(update(AppKey).where(AppKey.user_id == user_id, AppKey.last_step < fitting[0]).values(last_step=fitting[0]))
    return bool(used.rowcount)  # type: ignore[attr-defined]


def _use_recovery_code(session: Session, user_id: int, code: str, *, at: datetime) -> bool:
    used = session.execute(
        update(RecoveryCode)
        .where(RecoveryCode.user_id == user_id, RecoveryCode.code_hash == _hash_code(user_id, code), RecoveryCode.used_at.is_(None))
        .values(used_at=at)
    )
    if not used.rowcount:  # type: ignore[attr-defined]
        return False
    record_event("user.recovery_code_used", f"user:{user_id}", {"user_id": user_id}, at=at)
    return True


# The app


def app_of(salt: str) -> TOTP:
    """The key of an app. It is made of the salt and the shop's secret: a copy of the database alone makes no codes."""
    from pyotp import TOTP

    key = hmac.new(str(current_app.config["SECRET_KEY"]).encode(), b"app-key:" + salt.encode(), hashlib.sha256).digest()
    return TOTP(base64.b32encode(key[:20]).decode())


def begin_app(user_id: int, *, at: datetime) -> None:
    """Make a key that counts once a first code of it was right. A key begun earlier and never confirmed is replaced.

    Raises:
        IllegalMove: there is an app already.
    """
    with transaction() as session:
        values = {"user_id": user_id, "salt": secrets.token_hex(16), "created_at": at, "confirmed_at": None, "last_step": 0}
        written = insert_into(AppKey).values(values)
        changed = {name: values[name] for name in ("salt", "created_at", "last_step")}
        statement = written.on_conflict_do_update(index_elements=[AppKey.user_id], set_=changed, where=AppKey.confirmed_at.is_(None))
        if session.execute(statement.returning(AppKey.user_id)).first() is None:
            raise IllegalMove(_("There is an app already. Remove it first."))


def confirm_app(user_id: int, *, code: str, step: Doorstep, at: datetime) -> tuple[LoggedIn, list[str]]:
    """The first code is right: the app counts. Other devices are out, this one goes on under a new token; gives new recovery codes, if there were none.

    Raises:
        Invalid: the code is wrong.
        TooManyTries: too many codes tried.
    """
    limits.count_try(limits.second_key(user_id), at=at)
    with transaction() as session:
        if not _use_digits(session, user_id, "".join(code.split()), at=at, is_confirmed=False):
            raise Invalid({"/code": [str(_("This code is wrong. Look at the app again; is the clock of your phone right?"))]})
        session.execute(update(AppKey).where(AppKey.user_id == user_id).values(confirmed_at=at))
        return strengthen(session, user_id, step, cause="app", at=at)


def strengthen(session: Session, user_id: int, step: Doorstep, *, cause: str, at: datetime) -> tuple[LoggedIn, list[str]]:
    """A second factor was added, inside its transaction: every session ends, this one goes on; gives new codes if there are none left."""
    left = session.execute(select(RecoveryCode.code_hash).where(RecoveryCode.user_id == user_id, RecoveryCode.used_at.is_(None)).limit(1))
    codes = [] if left.first() else _new_codes(session, user_id)
    end_sessions(session, LoginSession.user_id == user_id, at=at)
    record_event("user.second_factor_added", f"user:{user_id}", {"user_id": user_id, "what": cause}, at=at)
    return open_session(session, user_id, step, at=at, has_second_factor=True), codes


def remove_app(user_id: int, *, step: Doorstep, at: datetime) -> LoggedIn:
    """Without the app. The codes go with the last second factor.

    Raises:
        IllegalMove: there is none.
    """
    with transaction() as session:
        if not session.execute(delete(AppKey).where(AppKey.user_id == user_id)).rowcount:  # type: ignore[attr-defined]
            raise IllegalMove(_("There is no app to remove."))
        return weaken(session, user_id, step, cause="app", at=at)


def weaken(session: Session, user_id: int, step: Doorstep, *, cause: str, at: datetime) -> LoggedIn:
    """A second factor was taken away, inside its transaction."""
    is_still_strong = bool(methods_of(session, user_id))
    if not is_still_strong:
        session.execute(delete(RecoveryCode).where(RecoveryCode.user_id == user_id))
    end_sessions(session, LoginSession.user_id == user_id, at=at)
    record_event("user.second_factor_removed", f"user:{user_id}", {"user_id": user_id, "what": cause}, at=at)
    return open_session(session, user_id, step, at=at, has_second_factor=is_still_strong)


def remove_second_factors(session: Session, user_id: int, *, at: datetime) -> None:
    """For somebody who lost everything, by whoever holds the machine or runs the shop."""
    for model in (AppKey, Passkey, RecoveryCode):
        session.execute(delete(model).where(model.user_id == user_id))
    end_sessions(session, LoginSession.user_id == user_id, at=at)
    tickets.void(session, Ticket.user_id == user_id, at=at)
    record_event("user.second_factor_removed", f"user:{user_id}", {"user_id": user_id, "what": "all"}, at=at)


# Recovery codes


def renew_codes(user_id: int) -> list[str]:
    """Ten new codes, shown once; the old ones are worth nothing.

    Raises:
        IllegalMove: there is no second factor that they could stand in for.
    """
    with transaction() as session:
        if not methods_of(session, user_id):
            raise IllegalMove(_("Set up an app or a passkey first."))
        return _new_codes(session, user_id)


def _new_codes(session: Session, user_id: int) -> list[str]:
    session.execute(delete(RecoveryCode).where(RecoveryCode.user_id == user_id))
    plain = [base64.b32encode(secrets.token_bytes(CODE_BYTES)).decode().lower() for _code in range(CODES)]
    session.execute(insert(RecoveryCode), [{"code_hash": _hash_code(user_id, code), "user_id": user_id, "used_at": None} for code in plain])
    return ["-".join(code[at : at + 4] for at in range(0, len(code), 4)) for code in plain]


def _hash_code(user_id: int, code: str) -> str:
    return hashlib.sha256(f"{user_id}:{code.lower()}".encode("utf-8", "replace")).hexdigest()
