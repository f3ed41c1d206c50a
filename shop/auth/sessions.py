"""Log-in sessions: opened, seen, ended. One row per device; the cookie holds its token.

Who stays logged in and is not seen for 30 days is out, who did not want to stay after 12 hours; nobody stays longer than 90 days.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta

from flask_babel import gettext as _
from sqlalchemy import delete, or_, select, update
from sqlalchemy.orm import Session

from shop.auth.models import LoginSession
from shop.auth.queries import hash_token
from shop.db import transaction
from shop.errors import NotFound

IDLE, IDLE_IF_NOT_REMEMBERED = timedelta(days=30), timedelta(hours=12)
AT_MOST = timedelta(days=90)
KEPT = timedelta(days=90)


@dataclass(frozen=True, slots=True)
class LoggedIn:
    """A log-in that worked: whose it is, the token for the cookie, which is nowhere else, and whether the cookie outlives the browser."""

    user_id: int
    token: str
    is_remembered: bool = False


@dataclass(frozen=True, slots=True)
class Doorstep:
    """Where somebody stands who comes in: the network, what the browser calls itself, the token that it held until now, whether to stay."""

    network: str
    device: str = ""
    old_token: str = ""
    is_remembered: bool = False


def open_session(session: Session, user_id: int, step: Doorstep, *, at: datetime, has_second_factor: bool = False) -> LoggedIn:
    """A new session under a new token; the one of the old token ends. Only after everything that this person must prove is proven."""
    token = secrets.token_urlsafe(32)
    if step.old_token:
        end_sessions(session, LoginSession.token_hash == hash_token(step.old_token), at=at)
    session.add(
        LoginSession(
            token_hash=hash_token(token),
            user_id=user_id,
            created_at=at,
            seen_at=at,
            proved_at=at,
            has_second_factor=has_second_factor,
            is_remembered=step.is_remembered,
            expires_at=at + (IDLE if step.is_remembered else IDLE_IF_NOT_REMEMBERED),
            address=step.network,
            device=step.device,
        )
    )
    session.flush()
    return LoggedIn(user_id, token, step.is_remembered)


def note_visit(login_session_id: int, *, at: datetime, before: datetime) -> None:
    """Remember that this device is in use, unless that was noted after ``before``; moves its idle end on."""
    with transaction(is_aside=True) as session:
        is_it = (LoginSession.id == login_session_id, LoginSession.ended_at.is_(None))
        found = session.execute(
            select(LoginSession.created_at, LoginSession.is_remembered).where(*is_it, LoginSession.seen_at <= before)
        ).first()
        if found is not None:
            idle = IDLE if found.is_remembered else IDLE_IF_NOT_REMEMBERED
            session.execute(update(LoginSession).where(*is_it).values(seen_at=at, expires_at=min(at + idle, found.created_at + AT_MOST)))


# Going


def log_out(token: str, *, at: datetime) -> None:
    """End the session of this token; whoever copied its cookie is out as well. Doing it twice changes nothing."""
    with transaction() as session:
        end_sessions(session, LoginSession.token_hash == hash_token(token), at=at)


def end_login_session(login_session_id: int, *, user_id: int, at: datetime) -> None:
    """Log out one of this user's devices.

    Raises:
        NotFound: there is no such open session, or it is somebody else's.
    """
    with transaction() as session:
        if not end_sessions(session, LoginSession.id == login_session_id, LoginSession.user_id == user_id, at=at):
            raise NotFound(_("This device is no longer logged in."))


def end_other_sessions(*, user_id: int, but: int | None, at: datetime) -> int:
    """Log out all of this user's devices but one; gives how many that were."""
    with transaction() as session:
        return end_sessions(session, LoginSession.user_id == user_id, LoginSession.id != (but or 0), at=at)


def sweep_sessions(at: datetime) -> None:
    """Delete log-in sessions that ended or ran out some time ago: addresses of people are not kept longer than they serve."""
    over = or_(LoginSession.ended_at <= at - KEPT, LoginSession.expires_at <= at - KEPT)
    with transaction() as session:
        session.execute(delete(LoginSession).where(over))


# What the verbs share, inside their transaction


def end_sessions(session: Session, *which: object, at: datetime) -> int:
    """End the open sessions among ``which``; gives how many that were."""
    ended = session.execute(update(LoginSession).where(*which, LoginSession.ended_at.is_(None)).values(ended_at=at))  # type: ignore[arg-type]
    return ended.rowcount  # type: ignore[attr-defined]
