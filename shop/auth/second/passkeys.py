"""Passkeys (WebAuthn): adding one, logging in with one alone, and using one as the second step.

A challenge is a ticket: it works once, for five minutes, and for one purpose. A passkey that checked its owner itself (by finger, face or PIN) is two
factors in one; one that did not counts as the second step only. Source: W3C Web Authentication Level 3, 7.1 and 7.2.
"""

from __future__ import annotations

import hashlib
import hmac
import json
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

from flask import current_app
from flask_babel import gettext as _
from sqlalchemy import Row, bindparam, delete, func, select, update
from sqlalchemy.orm import Session

from shop.auth import limits, tickets
from shop.auth.models import Passkey, TicketKind, User
from shop.auth.second.queries import list_passkeys
from shop.auth.second.services import finish, strengthen, weaken
from shop.auth.sessions import Doorstep, LoggedIn, open_session
from shop.auth.tickets import Issued
from shop.db import row, transaction
from shop.errors import N_, Conflict, Invalid, NotFound, NotLoggedIn
from shop.observe import tell_refusals
from shop.settings.queries import shop_texts

FIVE_MINUTES = timedelta(minutes=5)
MOST = 20
BY_CREDENTIAL = (
    select(Passkey.id, Passkey.user_id, Passkey.public_key, Passkey.sign_count)
    .join(User, User.id == Passkey.user_id)
    .where(Passkey.credential == bindparam("credential"), User.locked_at.is_(None))
)


class PasskeyRefused(NotLoggedIn):
    """The passkey is not known here, or what it signed does not fit; which of the two is not said."""

    slug, title = "passkey-refused", N_("This passkey did not work")


class TooManyPasskeys(Conflict):
    """There are as many as an account can have."""

    slug, title = "too-many-passkeys", N_("You have many passkeys already")


# Adding one


def begin_passkey(user_id: int, *, email: str, name: str, at: datetime) -> dict[str, Any]:
    """What the browser is asked to make: the options of ``navigator.credentials.create``.

    Raises:
        TooManyPasskeys: there are twenty.
    """
    from webauthn import generate_registration_options, options_to_json
    from webauthn.helpers.structs import AuthenticatorSelectionCriteria, ResidentKeyRequirement, UserVerificationRequirement

    known = list_passkeys(user_id)
    if len(known) >= MOST:
        raise TooManyPasskeys(_("Remove one that you no longer use, then add this one."))
    with transaction() as session:
        challenge = tickets.issue(session, TicketKind.NEW_PASSKEY, ttl=FIVE_MINUTES, user_id=user_id, at=at)
    options = generate_registration_options(
        rp_id=_host(),
        rp_name=shop_texts(current_app.extensions["config"].locales[0]).name,
        user_id=_handle(user_id),
        user_name=email,
        user_display_name=name or email,
        challenge=challenge.token.encode(),
        authenticator_selection=AuthenticatorSelectionCriteria(
            resident_key=ResidentKeyRequirement.PREFERRED, user_verification=UserVerificationRequirement.PREFERRED
        ),
        exclude_credentials=[_descriptor(passkey) for passkey in known],
    )
    return json.loads(options_to_json(options))


def add_passkey(user_id: int, credential: dict[str, Any], *, name: str, step: Doorstep, at: datetime) -> tuple[LoggedIn, list[str]]:
    """What the browser made. Other devices are out, this one goes on under a new token; gives new recovery codes, if there were none.

    Raises:
        LinkDead: it was asked for too long ago, or by somebody else.
        Invalid: it does not fit what was asked for.
    """
    from webauthn import base64url_to_bytes, verify_registration_response
    from webauthn.helpers import bytes_to_base64url
    from webauthn.helpers.exceptions import WebAuthnException

    token = _challenge_in(credential)
    ticket = tickets.get_ticket(token, TicketKind.NEW_PASSKEY, at=at)
    if ticket.user_id != user_id:
        raise tickets.dead()
    try:
        made = verify_registration_response(
            credential=credential, expected_challenge=token.encode(), expected_rp_id=_host(), expected_origin=_origin()
        )
        base64url_to_bytes(str(credential.get("id", "")))
    except (WebAuthnException, ValueError, KeyError, TypeError):
        raise Invalid({"/credential": [str(_("Your browser made something that does not fit. Try again."))]}) from None
    with transaction() as session:
        tickets.claim(session, ticket.id, at=at)
        passkey = Passkey(
            user_id=user_id,
            credential=bytes_to_base64url(made.credential_id),
            public_key=bytes_to_base64url(made.credential_public_key),
            sign_count=made.sign_count,
            transports=_transports(credential),
            name=name or str(_("Passkey")),
            created_at=at,
        )
        _refuse_known(session, passkey.credential)
        session.add(passkey)
        session.flush()
        return strengthen(session, user_id, step, cause="passkey", at=at)


# Using one


def begin_log_in(*, network: str, at: datetime, ticket: str = "") -> dict[str, Any]:
    """What the browser is asked to sign: the options of ``navigator.credentials.get``. With the ticket of a first step it may be one of that person's only.

    Raises:
        LinkDead: the first step was too long ago.
        TooManyTries: too many log-ins from this network.
    """
    from webauthn import generate_authentication_options, options_to_json
    from webauthn.helpers.structs import UserVerificationRequirement

    user_id = tickets.get_ticket(ticket, TicketKind.SECOND_STEP, at=at).user_id if ticket else None
    limits.count_try(limits.network_key(network), at=at)
    with transaction() as session:
        challenge = _issue_challenge(session, user_id, at=at)
    options = generate_authentication_options(
        rp_id=_host(),
        challenge=challenge.token.encode(),
        allow_credentials=[_descriptor(passkey) for passkey in list_passkeys(user_id)] if user_id else None,
        user_verification=UserVerificationRequirement.PREFERRED if user_id else UserVerificationRequirement.REQUIRED,
    )
    return json.loads(options_to_json(options))


@tell_refusals("passkey")
def log_in_by_passkey(credential: dict[str, Any], *, step: Doorstep, at: datetime, ticket: str = "") -> LoggedIn:
    """Log in by what a passkey signed: alone, where it checked its owner, or as the second step of the ticket.

    Raises:
        PasskeyRefused: it is unknown, signed something else, or its owner is locked.
        LinkDead: the challenge was used or is too old.
    """
    token = _challenge_in(credential)
    challenge = tickets.get_ticket(token, TicketKind.PASSKEY, at=at)
    first = tickets.get_ticket(ticket, TicketKind.SECOND_STEP, at=at) if ticket else None
    found, sign_count = _check(credential, token, must_verify=first is None)
    if (first.user_id if first else None) != challenge.user_id or challenge.user_id not in {None, found.user_id}:
        raise _refused()
    with transaction() as session:
        tickets.claim(session, challenge.id, at=at)
        _note_use(session, found, sign_count, at=at)
        if first is not None:
            return finish(session, first, step, at=at)
        is_open = select(User.id).where(User.id == found.user_id, User.locked_at.is_(None)).with_for_update()
        if session.execute(is_open).first() is None:
            raise _refused()
        return open_session(session, found.user_id, step, at=at, has_second_factor=True)


def _check(credential: dict[str, Any], token: str, *, must_verify: bool) -> tuple[Row[Any], int]:
    """Whose passkey it is, after its signature was checked, and its new counter."""
    from webauthn import base64url_to_bytes, verify_authentication_response
    from webauthn.helpers.exceptions import WebAuthnException

    found = row(BY_CREDENTIAL, credential=str(credential.get("id", ""))[:1400])
    if found is None:
        raise _refused()
    try:
        checked = verify_authentication_response(
            credential=credential,
            expected_challenge=token.encode(),
            expected_rp_id=_host(),
            expected_origin=_origin(),
            credential_public_key=base64url_to_bytes(found.public_key),
            credential_current_sign_count=found.sign_count,
            require_user_verification=must_verify,
        )
    except (WebAuthnException, ValueError, KeyError, TypeError):
        raise _refused() from None
    return found, checked.new_sign_count


def _note_use(session: Session, found: Row[Any], sign_count: int, *, at: datetime) -> None:
    """The counter moves on; of two uses of a copied passkey at once, one is refused."""
    used = session.execute(
        update(Passkey).where(Passkey.id == found.id, Passkey.sign_count == found.sign_count).values(sign_count=sign_count, used_at=at)
    )
    if not used.rowcount:  # type: ignore[attr-defined]
        raise _refused()


# Looking after them


def rename_passkey(passkey_id: int, *, user_id: int, name: str) -> None:
    """What its owner calls it.

    Raises:
        NotFound: there is none, or it is somebody else's.
    """
    with transaction() as session:
        mine = (Passkey.id == passkey_id, Passkey.user_id == user_id)
        if not session.execute(update(Passkey).where(*mine).values(name=name)).rowcount:  # type: ignore[attr-defined]
            raise NotFound


def remove_passkey(passkey_id: int, *, user_id: int, step: Doorstep, at: datetime) -> LoggedIn:
    """It lets nobody in any more.

    Raises:
        NotFound: there is none, or it is somebody else's.
    """
    with transaction() as session:
        mine = (Passkey.id == passkey_id, Passkey.user_id == user_id)
        if not session.execute(delete(Passkey).where(*mine)).rowcount:  # type: ignore[attr-defined]
            raise NotFound
        return weaken(session, user_id, step, cause="passkey", at=at)


# What the verbs share


def _issue_challenge(session: Session, user_id: int | None, *, at: datetime) -> Issued:
    return tickets.issue(session, TicketKind.PASSKEY, ttl=FIVE_MINUTES, user_id=user_id, at=at)


def _challenge_in(credential: dict[str, Any]) -> str:
    """The challenge that a browser says it answers; whether that is true is checked with the signature.

    Raises:
        Invalid: there is none.
    """
    from webauthn import base64url_to_bytes

    try:
        said = json.loads(base64url_to_bytes(credential["response"]["clientDataJSON"]))
        return base64url_to_bytes(said["challenge"]).decode("ascii")
    except (ValueError, KeyError, TypeError, RecursionError):
        raise Invalid({"/credential": [str(_("This is not what a browser sends."))]}) from None


def _refuse_known(session: Session, credential: str) -> None:
    if session.execute(select(func.count()).where(Passkey.credential == credential)).scalar():
        raise Invalid({"/credential": [str(_("This passkey is in use already."))]})


def _transports(credential: dict[str, Any]) -> list[str]:
    given = credential["response"].get("transports") or []
    return [str(name)[:20] for name in given if isinstance(name, str)][:8] if isinstance(given, list) else []


def _descriptor(passkey: Row[Any]) -> Any:
    from webauthn import base64url_to_bytes
    from webauthn.helpers.structs import AuthenticatorTransport, PublicKeyCredentialDescriptor

    known = {transport.value for transport in AuthenticatorTransport}
    transports = [AuthenticatorTransport(name) for name in passkey.transports if name in known]
    return PublicKeyCredentialDescriptor(id=base64url_to_bytes(passkey.credential), transports=transports)


def _handle(user_id: int) -> bytes:
    """What a passkey keeps of its owner: always the same, and no number that tells how many members there are."""
    return hmac.new(str(current_app.config["SECRET_KEY"]).encode(), f"passkey-owner:{user_id}".encode(), hashlib.sha256).digest()


def _origin() -> str:
    parts = urlsplit(current_app.extensions["config"].base_url)
    return f"{parts.scheme}://{parts.netloc}"


def _host() -> str:
    return urlsplit(current_app.extensions["config"].base_url).hostname or "localhost"


def _refused() -> PasskeyRefused:
    return PasskeyRefused(_("Try another one, or log in with your password."))
