"""A forgotten password and another address: both by a link that works once, for 30 minutes, and dies with the password."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session, aliased

from shop.auth import limits, tickets
from shop.auth.mailed.registration import say_verified
from shop.auth.models import LoginSession, TicketKind, User
from shop.auth.passwords import hash_password, why_refused
from shop.auth.sessions import Doorstep, LoggedIn, end_sessions, open_session
from shop.db import row, transaction
from shop.errors import Invalid
from shop.outbox.services import record_event

HALF_AN_HOUR = timedelta(minutes=30)
_other = aliased(User)


def ask_to_reset(*, email: str, network: str, locale: str, at: datetime) -> None:
    """Write to the address how to choose a new password. The same steps whoever has an account: whose it is, is looked up later.

    Raises:
        TooManyTries: too many such requests from this network or for this address.
    """
    limits.count_try(limits.newcomer_key(network), limits.mail_key(email), at=at)
    with transaction() as session:
        issued = tickets.issue(session, TicketKind.RESET, ttl=HALF_AN_HOUR, email=email, wanted={"locale": locale}, at=at)
        record_event("user.reset_asked", f"ticket:{issued.salt}", {"ticket": issued.salt}, at=at)


def reset_password(token: str, *, new: str, at: datetime) -> None:
    """A new password for whoever has the mail: every session ends, every other link dies. Logging in, with the second factor, comes after.

    Raises:
        LinkDead: the link was used, is too old, or the account is gone.
        Invalid: the new password is refused.
    """
    ticket = tickets.get_ticket(token, TicketKind.RESET, at=at)
    found = row(select(User.id, User.name).where(User.email == ticket.email))
    if found is None:
        raise tickets.dead()
    if reason := why_refused(new, about=(ticket.email, found.name)):
        raise Invalid({"/new": [reason]})
    new_hash = hash_password(new)
    with transaction() as session:
        tickets.claim(session, ticket.id, at=at)
        was_verified = session.execute(
            select(User.email_verified_at).where(User.id == found.id, User.email == ticket.email).with_for_update()
        ).first()
        if was_verified is None:
            raise tickets.dead()
        set_new_password(session, found.id, ticket.email, new_hash, at=at)
        if was_verified.email_verified_at is None:
            session.execute(update(User).where(User.id == found.id).values(email_verified_at=at))
            say_verified(found.id, at=at)


def set_new_password(session: Session, user_id: int, email: str, password_hash: str, *, at: datetime) -> None:
    """Write it, end what was opened with the old one, and have the owner told."""
    session.execute(update(User).where(User.id == user_id).values(password_hash=password_hash, version=User.version + 1))
    end_sessions(session, LoginSession.user_id == user_id, at=at)
    tickets.void_all_of(session, user_id, email, at=at)
    record_event("user.password_changed", f"user:{user_id}", {"user_id": user_id}, at=at)


def ask_for_new_email(user_id: int, *, email: str, locale: str, at: datetime) -> None:
    """Write to the new address; until its link is used, the old one stays. Only by somebody who proved just now who they are.

    Raises:
        TooManyTries: too many mails to this address.
    """
    limits.count_try(limits.mail_key(email), at=at)
    with transaction() as session:
        issued = tickets.issue(
            session, TicketKind.NEW_EMAIL, ttl=HALF_AN_HOUR, email=email, user_id=user_id, wanted={"locale": locale}, at=at
        )
        record_event("user.new_email_asked", f"user:{user_id}", {"ticket": issued.salt}, at=at)


def confirm_new_email(token: str, *, user_id: int, step: Doorstep, has_second_factor: bool, at: datetime) -> LoggedIn:
    """The new address counts, the old one is told; other devices are out, this one goes on under a new token.

    Raises:
        LinkDead: the link was used, is too old, was asked for by somebody else, or the address has an account meanwhile.
    """
    ticket = tickets.get_ticket(token, TicketKind.NEW_EMAIL, at=at)
    if ticket.user_id != user_id:
        raise tickets.dead()
    with transaction() as session:
        tickets.claim(session, ticket.id, at=at)
        old = session.execute(select(User.email).where(User.id == user_id).with_for_update()).scalar_one()
        _move(session, user_id, ticket.email, at=at)
        end_sessions(session, LoginSession.user_id == user_id, at=at)
        tickets.void_all_of(session, user_id, old, at=at)
        record_event("user.email_changed", f"user:{user_id}", {"user_id": user_id, "old": old, "new": ticket.email}, at=at)
        say_verified(user_id, at=at)
        return open_session(session, user_id, step, at=at, has_second_factor=has_second_factor)


def _move(session: Session, user_id: int, email: str, *, at: datetime) -> None:
    """Write the new address, unless an account has it; two who take the same one at once meet at the constraint.

    Raises:
        LinkDead: somebody has it.
    """
    is_free = ~select(_other.id).where(_other.email == email).exists()
    values = {"email": email, "email_verified_at": at, "version": User.version + 1}
    try:
        with session.begin_nested():
            changed = session.execute(update(User).where(User.id == user_id, is_free).values(values).returning(User.id)).scalar()
    except IntegrityError:
        changed = None
    if changed is None:
        raise tickets.dead()
