"""Tickets: what works once and for a short while. They are made, found, claimed and voided here; what each is good for stands with its verb.

A ticket's token is HMAC-SHA256 over its salt with the shop's secret: whoever sends a mail can make it again, and neither the outbox nor the table of
mails nor a copy of the database holds one that works. It is looked up by its SHA-256.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from flask import current_app
from flask_babel import gettext as _
from sqlalchemy import ColumnElement, Row, and_, bindparam, delete, insert, select, update
from sqlalchemy.orm import Session

from shop.auth.models import Ticket, TicketKind
from shop.db import row, scalar, transaction
from shop.errors import N_, ShopError

KEPT = timedelta(days=1)
_alive = and_(Ticket.used_at.is_(None), Ticket.expires_at > bindparam("at"))
COLUMNS = (Ticket.id, Ticket.kind, Ticket.salt, Ticket.user_id, Ticket.email, Ticket.wanted)
BY_TOKEN = select(*COLUMNS).where(Ticket.token_hash == bindparam("token_hash"), _alive)
BY_SALT = select(*COLUMNS).where(Ticket.salt == bindparam("salt"), Ticket.kind == bindparam("kind"), _alive)
SENT_TO = select(Ticket.id).where(Ticket.salt == bindparam("salt"), Ticket.email == bindparam("email"))


class LinkDead(ShopError):
    """The link was used, is too old, or never was one: all look alike."""

    status, slug, title = 410, "link-dead", N_("This link no longer works")


@dataclass(frozen=True, slots=True)
class Issued:
    """A new ticket: its public name and its token, which is kept nowhere."""

    salt: str
    token: str


def issue(
    session: Session,
    kind: TicketKind,
    *,
    ttl: timedelta,
    at: datetime,
    email: str = "",
    user_id: int | None = None,
    wanted: Mapping[str, Any] | None = None,
) -> Issued:
    """Write a new ticket, inside the transaction of its cause."""
    salt = secrets.token_hex(16)
    token = token_of(salt)
    values = {
        "kind": kind,
        "salt": salt,
        "token_hash": _hash(token),
        "user_id": user_id,
        "email": email,
        "wanted": dict(wanted or {}),
        "created_at": at,
        "expires_at": at + ttl,
    }
    session.execute(insert(Ticket).values(values))
    return Issued(salt, token)


def token_of(salt: str) -> str:
    """The token of a ticket: 256 bits that only this shop can make."""
    key = str(current_app.config["SECRET_KEY"]).encode()
    digest = hmac.new(key, b"auth-ticket:" + salt.encode("utf-8", "replace"), hashlib.sha256).digest()
    return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()


def find_ticket(token: str, *kinds: TicketKind, at: datetime) -> Row[Any] | None:
    """The ticket of this token, if it is of one of these kinds, unused and in time."""
    found = row(BY_TOKEN, token_hash=_hash(token), at=at)
    return found if found is not None and found.kind in kinds else None


def get_ticket(token: str, *kinds: TicketKind, at: datetime) -> Row[Any]:
    """The same.

    Raises:
        LinkDead: there is none.
    """
    found = find_ticket(token, *kinds, at=at)
    if found is None:
        raise dead()
    return found


def find_by_salt(salt: str, kind: TicketKind, *, at: datetime) -> Row[Any] | None:
    """The ticket of this public name, unused and in time."""
    return row(BY_SALT, salt=salt, kind=kind, at=at)


def was_sent_to(salt: str, email: str) -> bool:
    """Was there such a ticket for this address?"""
    return scalar(SENT_TO, salt=salt, email=email) is not None


def claim(session: Session, ticket_id: int, *, at: datetime) -> None:
    """Use the ticket up; of two at once, one gets it.

    Raises:
        LinkDead: somebody was faster, or its time is over.
    """
    used = session.execute(
        update(Ticket).where(Ticket.id == ticket_id, Ticket.used_at.is_(None), Ticket.expires_at > at).values(used_at=at)
    )
    if not used.rowcount:  # type: ignore[attr-defined]
        raise dead()


def void(session: Session, *which: ColumnElement[bool], at: datetime) -> None:
    """Let no ticket among ``which`` work any more."""
    session.execute(update(Ticket).where(Ticket.used_at.is_(None), *which).values(used_at=at))


def void_all_of(session: Session, user_id: int, email: str, *, at: datetime) -> None:
    """After a new password, address or lock: nothing that was asked for before it works any more."""
    void(session, Ticket.user_id == user_id, at=at)
    void(session, Ticket.email == email, at=at)


def sweep_tickets(at: datetime) -> None:
    """Delete tickets a day after their end: they hold addresses."""
    with transaction() as session:
        session.execute(delete(Ticket).where(Ticket.expires_at <= at - KEPT))


def dead() -> LinkDead:
    return LinkDead(_("It works once and only for a short while. Ask for a new one."))


def _hash(token: str) -> str:
    return hashlib.sha256(token.encode("utf-8", "replace")).hexdigest()
