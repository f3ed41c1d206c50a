"""Giving tokens after a log-in, giving the next ones, and finding out whose a token is.

A refresh token works once. One that comes a second time was copied by somebody, who or its owner has the next ones: all of that log-in end.
Source: RFC 9700, 4.14.2 "Refresh Token Rotation".
"""

from __future__ import annotations

import hashlib
import hmac
import logging
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from flask import current_app
from flask_babel import gettext as _
from sqlalchemy import bindparam, delete, insert, select, update
from sqlalchemy.orm import Session

from shop.auth.models import LoginSession, User
from shop.auth.queries import VISITORS, Visitor, hash_token, visitor_of
from shop.auth.sessions import AT_MOST, IDLE, LoggedIn, end_sessions
from shop.auth.tokens.models import RefreshToken, TokenFamily
from shop.auth.tokens.signing import LIVES, read_signed, sign
from shop.db import row, transaction
from shop.errors import BadToken

log = logging.getLogger(__name__)
KEPT_IF_USED = timedelta(days=30)
BY_FAMILY = VISITORS.join(TokenFamily, TokenFamily.login_session_id == LoginSession.id).where(TokenFamily.name == bindparam("family"))


@dataclass(frozen=True, slots=True)
class Tokens:
    """What a program gets. Both are shown once and kept nowhere."""

    access_token: str
    refresh_token: str
    expires_in: int
    token_type: str = "Bearer"  # noqa: S105 - the name of a scheme


def issue_tokens(made: LoggedIn, *, at: datetime) -> Tokens:
    """Tokens for a log-in that worked. Its cookie's token is given to nobody."""
    with transaction() as session:
        login = select(LoginSession.id).where(LoginSession.token_hash == hash_token(made.token))
        family = {"name": secrets.token_urlsafe(16), "login_session_id": session.execute(login).scalar_one()}
        family_id = session.execute(insert(TokenFamily).values(**family).returning(TokenFamily.id)).scalar_one()
        refresh = _add_refresh_token(session, family_id, at=at)
    return _tokens(made.user_id, str(family["name"]), refresh, at=at)


def refresh_tokens(token: str, *, at: datetime) -> Tokens:
    """The next tokens for an unused refresh token; it does not work again, and the log-in stays for another while.

    Raises:
        BadToken: it is unknown, its log-in ended, or it was used before; then its log-in ends now.
    """
    with transaction() as session:
        use = update(RefreshToken).where(RefreshToken.token_hash == hash_token(token), RefreshToken.used_at.is_(None)).values(used_at=at)
        family_id = session.execute(use.returning(RefreshToken.family_id)).scalar()
        found = None if family_id is None else _go_on(session, family_id, at=at)
        if family_id is None:
            _end_family_of(session, token, at=at)
    if found is None:
        raise BadToken(_("Log in again."))
    return _tokens(*found, at=at)


def end_tokens(login_session_id: int, *, at: datetime) -> None:
    """Log out a program: all tokens of its log-in are dead. The session of a browser is left alone."""
    with transaction() as session:
        is_program = select(TokenFamily.login_session_id).where(TokenFamily.login_session_id == login_session_id)
        end_sessions(session, LoginSession.id.in_(is_program), at=at)


def find_bearer(token: str, *, at: datetime, staff_needs_second_factor: bool) -> Visitor:
    """Whose access token this is.

    Raises:
        BadToken: it is forged, too old, meant for somebody else, or its log-in ended.
    """
    claims = _check_claims(read_signed(token, at=at), at=at)
    found = row(BY_FAMILY, family=claims["sid"], at=at)
    if found is None or not hmac.compare_digest(subject_of(found.id), claims["sub"]):
        raise BadToken
    return visitor_of(found, staff_needs_second_factor=staff_needs_second_factor)


def sweep_refresh_tokens(at: datetime) -> None:
    """Forget tokens that were used long ago; unused ones go with their log-in session."""
    with transaction() as session:
        session.execute(delete(RefreshToken).where(RefreshToken.used_at <= at - KEPT_IF_USED))


def subject_of(user_id: int) -> str:
    """How tokens call a person: the same in every token, and no number that tells how many people there are."""
    secret = str(current_app.config["SECRET_KEY"]).encode()
    return hmac.new(secret, b"subject:%d" % user_id, hashlib.sha256).hexdigest()[:32]


def _check_claims(claims: dict[str, Any], *, at: datetime) -> dict[str, Any]:
    from joserfc.errors import JoseError
    from joserfc.jwt import JWTClaimsRegistry

    issuer = _issuer()
    wanted = JWTClaimsRegistry(
        now=int(at.timestamp()),
        iss={"essential": True, "value": issuer},
        aud={"essential": True, "value": f"{issuer}/api/v1"},
        exp={"essential": True},
        iat={"essential": True},
        sub={"essential": True},
        jti={"essential": True},
        sid={"essential": True},
    )
    try:
        wanted.validate(claims)
    except (JoseError, ValueError, TypeError):
        raise BadToken from None
    if not isinstance(claims["sid"], str) or claims["aud"] != f"{issuer}/api/v1" or not claims["sub"].isascii():
        raise BadToken
    return claims


def _tokens(user_id: int, family: str, refresh: str, *, at: datetime) -> Tokens:
    issuer, moment = _issuer(), int(at.timestamp())
    claims = {
        "iss": issuer,
        "aud": f"{issuer}/api/v1",
        "sub": subject_of(user_id),
        "sid": family,
        "jti": secrets.token_urlsafe(12),
        "iat": moment,
        "exp": moment + int(LIVES.total_seconds()),
    }
    return Tokens(sign(claims, at=at), refresh, int(LIVES.total_seconds()))


def _issuer() -> str:
    return str(current_app.extensions["config"].base_url)


def _add_refresh_token(session: Session, family_id: int, *, at: datetime) -> str:
    token = secrets.token_urlsafe(32)
    session.execute(insert(RefreshToken).values(token_hash=hash_token(token), family_id=family_id, created_at=at))
    return token


def _go_on(session: Session, family_id: int, *, at: datetime) -> tuple[int, str, str] | None:
    """Hold the log-in, move its end on and add the next token; None where it ended."""
    is_open = (LoginSession.ended_at.is_(None), LoginSession.expires_at > at, User.locked_at.is_(None))
    columns = select(TokenFamily.name, LoginSession.id, LoginSession.user_id, LoginSession.created_at)
    joined = columns.join(LoginSession, LoginSession.id == TokenFamily.login_session_id).join(User, User.id == LoginSession.user_id)
    found = session.execute(joined.where(TokenFamily.id == family_id, *is_open).with_for_update(of=LoginSession)).first()
    if found is None:
        return None
    end = min(at + IDLE, found.created_at + AT_MOST)
    session.execute(update(LoginSession).where(LoginSession.id == found.id).values(seen_at=at, expires_at=end))
    return found.user_id, found.name, _add_refresh_token(session, family_id, at=at)


def _end_family_of(session: Session, token: str, *, at: datetime) -> None:
    """The token was used before: whoever holds its followers is out."""
    login = (
        select(TokenFamily.login_session_id)
        .join(RefreshToken, RefreshToken.family_id == TokenFamily.id)
        .where(RefreshToken.token_hash == hash_token(token))
    )
    login_session_id = session.execute(login).scalar()
    if login_session_id is not None:
        end_sessions(session, LoginSession.id == login_session_id, at=at)
        log.warning("a refresh token came twice; log-in session %s has ended", login_session_id)
