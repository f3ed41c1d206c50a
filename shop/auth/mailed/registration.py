"""Registering: asked for on a page, true once the link in the mail was used.

Until then there is no account, only a ticket that holds the wish; so nobody can take an address that is not theirs, nor find out which
are taken. Whoever opens the link in another browser than the one that registered must know the password that was chosen there: else a stranger could
have the owner of an address confirm an account whose password the stranger knows.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from flask import Flask, current_app
from flask_babel import gettext as _
from sqlalchemy import Row, update
from sqlalchemy.orm import Session

from shop.auth import limits, tickets
from shop.auth.models import Ticket, TicketKind, User
from shop.auth.passwords import hash_password, verify_password, why_refused
from shop.auth.permissions import CUSTOMER
from shop.auth.services import insert_user
from shop.auth.sessions import Doorstep, LoggedIn, open_session
from shop.auth.signals import user_registered
from shop.db import transaction
from shop.errors import N_, Conflict, Invalid
from shop.outbox.services import record_event

ONE_DAY = timedelta(days=1)


class AlreadyMember(Conflict):
    """Meanwhile there is an account with this address."""

    slug, title = "already-member", N_("You have an account already")


def ask_to_register(*, email: str, name: str, password: str, locale: str, network: str, at: datetime, go_on: str = "") -> str:
    """Keep the wish and write to the address; gives the public name of the registration. The same for every address.

    Raises:
        Invalid: the password is refused.
        TooManyTries: too many registrations from this network, or mails to this address.
    """
    if reason := why_refused(password, about=(email, name)):
        raise Invalid({"/password": [reason]})
    limits.count_try(limits.newcomer_key(network), limits.mail_key(email), at=at)
    wanted = {"name": name, "password_hash": hash_password(password), "locale": locale, "go_on": go_on}
    with transaction() as session:
        return _issue(session, email, wanted, at=at)


def write_again(salt: str, *, network: str, at: datetime) -> str:
    """The mail has not come: another one, whose link replaces the first; gives its public name.

    Raises:
        LinkDead: the registration is done or too old.
        TooManyTries: too many mails to this address.
    """
    ticket = tickets.find_by_salt(salt, TicketKind.REGISTRATION, at=at)
    if ticket is None:
        raise tickets.dead()
    limits.count_try(limits.newcomer_key(network), limits.mail_key(ticket.email), at=at)
    with transaction() as session:
        tickets.claim(session, ticket.id, at=at)
        return _issue(session, ticket.email, ticket.wanted, at=at)


def confirm_registration(token: str, *, step: Doorstep, at: datetime, password: str = "", salt: str = "") -> LoggedIn:
    """Make the account and log in. ``salt``: the registration that this very browser made; without it the password must be right.

    Raises:
        LinkDead: the link was used or is too old.
        Invalid: the password is another one.
        AlreadyMember: the address got an account meanwhile.
        TooManyTries: too many passwords tried.
    """
    ticket = tickets.get_ticket(token, TicketKind.REGISTRATION, at=at)
    if salt != ticket.salt:
        _check_password(ticket, password, step, at=at)
    with transaction() as session:
        tickets.claim(session, ticket.id, at=at)
        user_id = _make_member(session, ticket, at=at)
        return open_session(session, user_id, step, at=at)


def verify_email(token: str, *, user_id: int, at: datetime) -> None:
    """The address of an account that was not made by registering is this person's own.

    Raises:
        LinkDead: the link was used, is too old or was sent to somebody else.
    """
    ticket = tickets.get_ticket(token, TicketKind.VERIFICATION, at=at)
    with transaction() as session:
        tickets.claim(session, ticket.id, at=at)
        mine = (User.id == user_id, User.id == ticket.user_id, User.email == ticket.email)
        if session.execute(update(User).where(*mine).values(email_verified_at=at).returning(User.id)).scalar() is None:
            raise tickets.dead()
        say_verified(user_id, at=at)


def ask_to_verify(user_id: int, *, email: str, locale: str, at: datetime) -> None:
    """Write to an address that nobody has shown to be theirs.

    Raises:
        TooManyTries: too many mails to this address.
    """
    limits.count_try(limits.mail_key(email), at=at)
    with transaction() as session:
        issued = tickets.issue(
            session, TicketKind.VERIFICATION, ttl=ONE_DAY, email=email, user_id=user_id, wanted={"locale": locale}, at=at
        )
        record_event("user.verification_asked", f"user:{user_id}", {"ticket": issued.salt}, at=at)


def say_verified(user_id: int, *, at: datetime) -> None:
    """From now on it is known that mails reach this person: their orders as a guest join the account."""
    record_event("user.verified", f"user:{user_id}", {"user_id": user_id}, at=at)


def _issue(session: Session, email: str, wanted: dict[str, Any], *, at: datetime) -> str:
    issued = tickets.issue(session, TicketKind.REGISTRATION, ttl=ONE_DAY, email=email, wanted=wanted, at=at)
    record_event("user.registration_asked", f"ticket:{issued.salt}", {"ticket": issued.salt}, at=at)
    return issued.salt


def _check_password(ticket: Row[Any], password: str, step: Doorstep, *, at: datetime) -> None:
    account = limits.account_key(ticket.email, network=step.network, is_known_here=False)
    limits.count_try(account, limits.network_key(step.network), at=at)
    if not verify_password(password, ticket.wanted["password_hash"]):
        raise Invalid({"/password": [_("This is not the password that was chosen for this account.")]})


def _make_member(session: Session, ticket: Row[Any], *, at: datetime) -> int:
    wanted = ticket.wanted
    user_id = insert_user(
        session,
        email=ticket.email,
        name=wanted["name"],
        password_hash=wanted["password_hash"],
        role=CUSTOMER,
        locale=wanted["locale"],
        verified_at=at,
        at=at,
    )
    if user_id is None:
        raise AlreadyMember(_("Log in with your address, or choose a new password if you forgot yours."))
    tickets.void(session, Ticket.email == ticket.email, at=at)
    user_registered.send(_this_app(), user_id=user_id, email=ticket.email, name=wanted["name"], locale=wanted["locale"], at=at)
    say_verified(user_id, at=at)
    return user_id


def _this_app() -> Flask:
    return current_app._get_current_object()  # type: ignore[attr-defined]  # noqa: SLF001
