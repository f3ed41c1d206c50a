"""The keys that sign access tokens: made, replaced, published.

The algorithm is fixed (Ed25519); which key checks a token is looked up among our own by the name that the token gives, and nothing else that it says
about keys or algorithms is listened to. Source: RFC 8725, JSON Web Token Best Current Practices.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from flask import current_app
from sqlalchemy import Row, delete, insert, select, update

from shop.auth.tokens.models import SigningKey
from shop.db import rows, transaction
from shop.errors import BadToken
from shop.settings.queries import kept
from shop.settings.services import touch_topic

if TYPE_CHECKING:
    from joserfc.jwk import OKPKey

ALGORITHM = "Ed25519"
KIND = "at+jwt"
LIVES = timedelta(minutes=10)
TOPIC = "signing_keys"
LONGEST = 2000
KEYS = select(SigningKey.kid, SigningKey.created_at, SigningKey.retired_at).order_by(SigningKey.id.desc())


def sign(claims: dict[str, Any], *, at: datetime) -> str:
    """A token with these claims, by the newest key; the first one makes the first key."""
    from joserfc import jwt

    key = _key(_signing_kid(at=at))
    return jwt.encode({"alg": ALGORITHM, "kid": key.kid, "typ": KIND}, claims, key, algorithms=[ALGORITHM])


def read_signed(token: str, *, at: datetime) -> dict[str, Any]:
    """The claims of a token that one of our keys signed. Whether they fit is for the caller.

    Raises:
        BadToken: nobody of ours signed it, or a key did that is out of use for long.
    """
    from joserfc import jwt
    from joserfc.errors import JoseError

    if not token.isascii() or len(token) > LONGEST:
        raise BadToken
    try:
        found = jwt.decode(token, lambda asked: _named_key(asked.headers(), at=at), algorithms=[ALGORITHM])
    except (JoseError, ValueError, TypeError, RecursionError):
        raise BadToken from None
    if found.header.get("typ") != KIND:
        raise BadToken
    return dict(found.claims)


def published_keys(*, at: datetime) -> dict[str, Any]:
    """The public halves of the keys whose tokens are taken. Source: RFC 7517."""
    return {"keys": [_key(found.kid).as_dict(private=False) for found in _keys() if _is_taken(found, at)]}


def rotate_keys(*, at: datetime) -> str:
    """A new key signs from now on; what the old ones signed is taken until it runs out. Gives its name."""
    with transaction() as session:
        session.execute(update(SigningKey).where(SigningKey.retired_at.is_(None)).values(retired_at=at))
        kid = secrets.token_hex(8)
        session.execute(insert(SigningKey).values(kid=kid, created_at=at))
        touch_topic(TOPIC)
    return kid


def sweep_keys(at: datetime) -> None:
    """Forget keys whose last token ran out long ago."""
    with transaction() as session:
        session.execute(delete(SigningKey).where(SigningKey.retired_at <= at - timedelta(days=1)))


def _signing_kid(*, at: datetime) -> str:
    active = next((found.kid for found in _keys() if found.retired_at is None), None)
    return active or rotate_keys(at=at)


def _keys() -> Sequence[Row[Any]]:
    return kept(TOPIC, "all", lambda: rows(KEYS))


def _is_taken(found: Row[Any], at: datetime) -> bool:
    return found.retired_at is None or at < found.retired_at + LIVES


def _named_key(header: dict[str, Any], *, at: datetime) -> OKPKey:
    kid = header.get("kid")
    if header.get("alg") != ALGORITHM or not any(found.kid == kid and _is_taken(found, at) for found in _keys()):
        raise BadToken
    return _key(str(kid))


def _key(kid: str) -> OKPKey:
    """The key of this name; the same in every process, and nowhere on a disk."""
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
    from joserfc.jwk import OKPKey

    secret = str(current_app.config["SECRET_KEY"]).encode()
    made: dict[str, OKPKey] = current_app.extensions.setdefault("signing_keys", {})
    if kid not in made:
        seed = hmac.new(secret, b"signing-key:" + kid.encode(), hashlib.sha256).digest()
        made[kid] = OKPKey.import_key(Ed25519PrivateKey.from_private_bytes(seed), {"kid": kid, "use": "sig", "alg": ALGORITHM})
    return made[kid]
