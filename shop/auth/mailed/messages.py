"""The mails about an account. Whether there is one is looked up here, after the answer was given to whoever asked.

Links are sealed: the stored mail, which staff may read, does not hold what would let them in.
"""

from __future__ import annotations

from typing import Any

from flask import Flask, current_app
from sqlalchemy import Row, bindparam, select

from shop.auth.models import Ticket, TicketKind, User
from shop.auth.tickets import token_of, was_sent_to
from shop.db import row
from shop.mail.sealed import knows_seals, seal
from shop.mail.services import queue_mail
from shop.outbox import Happened, subscribe
from shop.web.locale import link

TICKET = select(Ticket.kind, Ticket.salt, Ticket.user_id, Ticket.email, Ticket.wanted).where(Ticket.salt == bindparam("salt"))
USER = select(User.id, User.email, User.name, User.locale)
BY_EMAIL, BY_ID = USER.where(User.email == bindparam("email")), USER.where(User.id == bindparam("user_id"))
# What is written to an address that has an account, and to one that has none; "" writes nothing.
ASKED = {
    "user.registration_asked": ("already_member", "confirm_registration"),
    "user.reset_asked": ("reset_password", ""),
    "user.new_email_asked": ("already_member", "confirm_new_email"),
    "user.verification_asked": ("verify_email", ""),
}
TOLD = {
    "user.password_changed": "password_changed",
    "user.recovery_code_used": "recovery_code_used",
    "user.second_factor_added": "second_factor_added",
    "user.second_factor_removed": "second_factor_removed",
    "user.sign_in_linked": "sign_in_linked",
}


def init_app(app: Flask) -> None:
    knows_seals(app, "ticket", _open)
    for event in ASKED:
        subscribe(app, event, f"mail.{event}", write_link)
    for event in TOLD:
        subscribe(app, event, f"mail.{event}", tell_owner)
    subscribe(app, "user.email_changed", "mail.user.email_changed", tell_old_address)


def write_link(event: Happened) -> None:
    """The mail with the link, or what else the owner of the address should know."""
    ticket = row(TICKET, salt=event.payload["ticket"])
    if ticket is None:
        return
    owner = row(BY_EMAIL, email=ticket.email)
    name = ASKED[event.kind][0 if owner else 1]
    if name and not _is_own(ticket, owner):
        _write(event, name, ticket.email, owner.locale if owner else ticket.wanted["locale"], salt=ticket.salt)


def _is_own(ticket: Row[Any], owner: Row[Any] | None) -> bool:
    """Somebody asks to change to the address that they have: there is nothing to write."""
    return ticket.kind == TicketKind.NEW_EMAIL and owner is not None and owner.id == ticket.user_id


def tell_owner(event: Happened) -> None:
    """What changed at the account, to its address: who did not do it hears of it."""
    owner = row(BY_ID, user_id=event.payload["user_id"])
    if owner is not None:
        _write(event, TOLD[event.kind], owner.email, owner.locale)


def tell_old_address(event: Happened) -> None:
    """The address from which an account moved away."""
    owner = row(BY_ID, user_id=event.payload["user_id"])
    if owner is not None:
        _write(event, "email_changed", event.payload["old"], owner.locale)


def _write(event: Happened, name: str, recipient: str, locale: str, *, salt: str = "") -> None:
    context = {
        "link": link("auth.open_link", locale=locale, token=seal("ticket", salt)) if salt else "",
        "login": link("auth.login", locale=locale),
        "forgotten": link("auth.forgotten", locale=locale),
        "email": recipient,
        "provider": _label_of(event.payload.get("provider", "")),
    }
    queue_mail(
        cause=f"{event.id}:{event.kind}",
        recipient=recipient,
        locale=locale,
        template=f"auth/mail/{name}",
        about=event.subject,
        at=event.at,
        context=context,
    )


def _label_of(provider: str) -> str:
    """What customers call a provider that the settings name, such as Google."""
    return next((one.label for one in current_app.extensions["config"].oidc_providers if one.name == provider), provider)


def _open(salt: str, recipient: str) -> str:
    return token_of(salt) if was_sent_to(salt, recipient) else ""
