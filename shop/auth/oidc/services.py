"""Which account a person of a provider opens: one that is linked, a new one, or none before they have logged in here.

The network is never asked while a transaction is open.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from flask import Flask, current_app
from flask_babel import gettext as _
from sqlalchemy import Row, func, insert, select, update
from sqlalchemy.orm import Session

from shop.auth import limits, tickets
from shop.auth.mailed.registration import say_verified
from shop.auth.models import Passkey, Ticket, TicketKind, User
from shop.auth.oidc.discovery import get_provider, origin_of
from shop.auth.oidc.models import Identity
from shop.auth.oidc.proof import FRESH, Person, check_answer, new_secret, person_of, read_id_token, redeem, refused, way_there
from shop.auth.permissions import CUSTOMER
from shop.auth.second.services import SecondFactorNeeded, let_in
from shop.auth.services import AccountLocked, insert_user
from shop.auth.sessions import Doorstep, LoggedIn, open_session
from shop.auth.signals import user_registered
from shop.db import insert_missing, transaction
from shop.errors import N_, Conflict, NotFound
from shop.observe import tell_refusals
from shop.outbox.services import record_event

TEN_MINUTES = timedelta(minutes=10)
MOST_IDENTITIES = 20


class LogInToLink(Conflict):
    """The verified address has an account already. ``extras["ticket"]``: with it, whoever logs in there can link the two."""

    slug, title = "log-in-to-link", N_("There is an account with this address")


class AddressNeeded(Conflict):
    """A new account needs an address, and the provider does not say that it is verified."""

    slug, title = "address-needed", N_("We need an address that is yours")


class LastWayIn(Conflict):
    """Without it nobody could log in to the account any more."""

    slug, title = "last-way-in", N_("This is your only way in")


@dataclass(frozen=True, slots=True)
class Begun:
    """Where the visitor goes now. ``state`` is for the cookie of this very browser; ``is_elsewhere``: the page is not where the issuer is."""

    url: str
    state: str
    is_elsewhere: bool


@dataclass(frozen=True, slots=True)
class Arrival:
    """Somebody who came back: who they are elsewhere, where they wanted to, and to whose account they want it linked."""

    person: Person
    target: str
    locale: str
    user_id: int | None


# There and back


def begin_sign_in(name: str, *, target: str, locale: str, redirect_uri: str, user_id: int | None, network: str, at: datetime) -> Begun:
    """The way to a provider. ``user_id``: whoever is logged in and wants to link.

    Raises:
        NotFound: the settings name no such provider.
        ProviderAway: it does not answer.
        TooManyTries: too many began from this network.
    """
    provider = get_provider(name)
    limits.count_try(limits.network_key(network), at=at)
    nonce, verifier = new_secret(), new_secret()
    wanted = {"provider": name, "nonce": nonce, "verifier": verifier, "next": target, "locale": locale}
    with transaction() as session:
        issued = tickets.issue(session, TicketKind.SIGN_IN, ttl=TEN_MINUTES, user_id=user_id, wanted=wanted, at=at)
    url = way_there(provider, redirect_uri=redirect_uri, state=issued.token, nonce=nonce, verifier=verifier)
    return Begun(url, issued.token, origin_of(url) != origin_of(provider.issuer))


def arrive(name: str, answer: Mapping[str, str], *, held_state: str, redirect_uri: str, network: str, at: datetime) -> Arrival:
    """What a visitor brings back, checked. ``held_state``: what this browser's cookie holds.

    Raises:
        NotFound: the settings name no such provider.
        SignInRefused: the answer is not to a question of this browser, was given before, or does not hold.
        ProviderAway: the provider does not answer.
    """
    provider = get_provider(name)
    state = answer.get("state", "")
    ticket = tickets.find_ticket(state, TicketKind.SIGN_IN, at=at) if state and state == held_state else None
    if ticket is None or ticket.wanted["provider"] != name:
        raise refused(provider, "no such state in this browser")
    try:
        with transaction() as session:
            tickets.claim(session, ticket.id, at=at)
    except tickets.LinkDead:
        raise refused(provider, "the state was used") from None
    code = check_answer(provider, answer)
    wanted = ticket.wanted
    person = redeem(provider, code, redirect_uri=redirect_uri, nonce=wanted["nonce"], verifier=wanted["verifier"], at=at)
    limits.take_back_try(limits.network_key(network))
    return Arrival(person, wanted["next"], wanted["locale"], ticket.user_id)


# Which account


@tell_refusals("provider")
def sign_in(person: Person, step: Doorstep, *, locale: str, at: datetime) -> LoggedIn:
    """Log in to the account that is linked, or make one.

    Raises:
        SecondFactorNeeded: the account wants to see more; go on with its ticket.
        AccountLocked: the shop has locked it.
        LogInToLink: the address has an account that is not linked.
        AddressNeeded: there is no account, and no verified address to make one.
    """
    with transaction() as session:
        found = _find_linked(session, person)
        entry = (
            _open_linked(session, found, person, step, at=at) if found is not None else _make(session, person, step, locale=locale, at=at)
        )
    if isinstance(entry, SecondFactorNeeded | LogInToLink):
        raise entry
    return entry


def exchange_id_token(name: str, token: str, *, nonce: str | None, step: Doorstep, locale: str, at: datetime) -> LoggedIn:
    """Log in a program by an ID token that it got from a provider; fresh, and only once.

    Raises:
        NotFound, SignInRefused, ProviderAway, TooManyTries, and what ``sign_in`` raises.
    """
    provider, key = get_provider(name), limits.network_key(step.network)
    limits.count_try(key, at=at)
    claims = read_id_token(provider, token, nonce=nonce, at=at)
    if "nonce" in claims and nonce is None:
        raise refused(provider, "a nonce that the program does not name")
    if at - datetime.fromtimestamp(claims["iat"], UTC) > FRESH:
        raise refused(provider, "an ID token of long ago")
    _use_once(provider.name, token, datetime.fromtimestamp(claims["exp"], UTC), at=at)
    made = sign_in(person_of(provider, claims), step, locale=locale, at=at)
    limits.take_back_try(key)
    return made


def link_identity(person: Person, *, user_id: int, at: datetime) -> bool:
    """From now on this account elsewhere opens the account here; False where it did already.

    Raises:
        Conflict: it opens somebody else's, or there are too many.
    """
    with transaction() as session:
        session.execute(select(User.id).where(User.id == user_id).with_for_update())
        found = _find_linked(session, person)
        if found is not None and found.user_id == user_id:
            return False
        if found is not None:
            raise Conflict(_("That account opens another account of this shop already."))
        count = session.execute(select(func.count()).select_from(Identity).where(Identity.user_id == user_id)).scalar_one()
        if count >= MOST_IDENTITIES:
            raise Conflict(_("There are too many already. Take one away first."))
        _link(session, person, user_id, at=at)
        return True


def find_offer(ticket_token: str, *, at: datetime) -> Row[Any] | None:
    """The link that was offered to whoever logs in."""
    return tickets.find_ticket(ticket_token, TicketKind.LINK, at=at) if ticket_token else None


def accept_offer(ticket_token: str, *, user_id: int, email: str, at: datetime) -> bool:
    """Link what came with this ticket, if it was offered to the address that is logged in.

    Raises:
        LinkDead: the offer was used, is too old, or was for another address.
        Conflict: see ``link_identity``.
    """
    ticket = tickets.get_ticket(ticket_token, TicketKind.LINK, at=at)
    if ticket.email != email:
        raise tickets.dead()
    with transaction() as session:
        tickets.claim(session, ticket.id, at=at)
        return link_identity(Person(**ticket.wanted), user_id=user_id, at=at)


def unlink_identity(identity_id: int, *, user_id: int) -> None:
    """It opens the account no more.

    Raises:
        NotFound: there is none, or it is somebody else's.
        LastWayIn: there is no password, no passkey and no other such account.
    """
    with transaction() as session:
        user = session.execute(select(User.password_hash).where(User.id == user_id).with_for_update()).first()
        mine = select(Identity.id).where(Identity.user_id == user_id)
        ids = set(session.execute(mine).scalars())
        if user is None or identity_id not in ids:
            raise NotFound(_("This way to sign in is gone already."))
        has_passkey = session.execute(select(Passkey.id).where(Passkey.user_id == user_id).limit(1)).first()
        if user.password_hash is None and has_passkey is None and len(ids) == 1:
            raise LastWayIn(_("Choose a password first, by “Password forgotten?” on the page where one signs in."))
        session.execute(Identity.__table__.delete().where(Identity.id == identity_id))  # type: ignore[attr-defined]


# Inside their transaction


def _find_linked(session: Session, person: Person) -> Row[Any] | None:
    same = (Identity.issuer == person.issuer, Identity.subject == person.subject)
    columns: Any = select(Identity.id, Identity.user_id, User.locked_at).join(User, User.id == Identity.user_id)
    found: Row[Any] | None = session.execute(columns.where(*same).with_for_update(of=User)).first()
    return found


def _open_linked(session: Session, found: Row[Any], person: Person, step: Doorstep, *, at: datetime) -> LoggedIn | SecondFactorNeeded:
    if found.locked_at is not None:
        raise AccountLocked(_("Write to us, and we will look at it together."))
    seen = {"used_at": at, **({"email": person.email} if person.email else {})}
    session.execute(update(Identity).where(Identity.id == found.id).values(**seen))
    return let_in(session, found.user_id, step, at=at)


def _make(session: Session, person: Person, step: Doorstep, *, locale: str, at: datetime) -> LoggedIn | LogInToLink:
    if not person.email:
        raise AddressNeeded(_("Make an account with your e-mail address, then link the two under Security."))
    facts: dict[str, Any] = {"email": person.email, "name": person.name, "locale": locale}
    user_id = insert_user(session, **facts, password_hash=None, role=CUSTOMER, verified_at=at, at=at)
    if user_id is None:
        wanted = {name: getattr(person, name) for name in ("provider", "issuer", "subject", "email", "name")}
        issued = tickets.issue(session, TicketKind.LINK, ttl=TEN_MINUTES, email=person.email, wanted=wanted, at=at)
        return LogInToLink(_("Log in to it once; then you can link the two, and come in both ways."), ticket=issued.token)
    tickets.void(session, Ticket.email == person.email, at=at)
    user_registered.send(_this_app(), user_id=user_id, **facts, at=at)
    say_verified(user_id, at=at)
    _link(session, person, user_id, at=at)
    return open_session(session, user_id, step, at=at)


def _link(session: Session, person: Person, user_id: int, *, at: datetime) -> None:
    known = {name: getattr(person, name) for name in ("provider", "issuer", "subject", "email")}
    session.execute(insert(Identity).values(**known, user_id=user_id, created_at=at))
    record_event("user.sign_in_linked", f"user:{user_id}", {"user_id": user_id, "provider": person.provider}, at=at)


def _use_once(provider: str, token: str, until: datetime, *, at: datetime) -> None:
    """The same ID token does not log in twice, whoever shows it."""
    digest = hashlib.sha256(token.encode()).hexdigest()
    seen = {"kind": TicketKind.ID_TOKEN, "salt": f"id:{digest}", "token_hash": f"id:{digest}", "email": "", "wanted": {}}
    with transaction():
        if not insert_missing(Ticket, {**seen, "created_at": at, "expires_at": max(until, at + FRESH), "used_at": at}):
            raise refused(get_provider(provider), "an ID token that was shown before")


def _this_app() -> Flask:
    return current_app._get_current_object()  # type: ignore[attr-defined]  # noqa: SLF001
