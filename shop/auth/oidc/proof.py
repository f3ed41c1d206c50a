"""Having a provider say who somebody is: the way there, the code that comes back, and the ID token for it.

Authorization code flow with PKCE (S256), a state that works once and in the browser that asked, and a nonce. Source: OpenID Connect Core 1.0, 3.1;
RFC 9700 (best current practice); RFC 9207 (issuer in the answer).
"""

from __future__ import annotations

import logging
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from flask_babel import gettext as _

from config import OidcProvider
from shop.auth.oidc.discovery import PATIENCE_S, ProviderAway, SignInRefused, ask_keys, ask_metadata, away, fetch_json
from shop.observe import count
from shop.observe.figures import SIGN_IN_REFUSALS
from shop.web.text import clean_email, clean_text

if TYPE_CHECKING:
    from joserfc.jwk import KeySet

log = logging.getLogger(__name__)
ALGORITHMS = ["RS256", "RS384", "RS512", "PS256", "ES256", "ES384", "ES512", "Ed25519"]
SCOPE = "openid email profile"
LEEWAY_S = 60
LONGEST = 10_000
LONGEST_SUBJECT = 255
FRESH = timedelta(minutes=10)


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody as a provider knows them. ``email`` is "" unless the provider says that it is verified, and it is one."""

    provider: str
    issuer: str
    subject: str
    email: str
    name: str


def way_there(provider: OidcProvider, *, redirect_uri: str, state: str, nonce: str, verifier: str) -> str:
    """The address of the provider's page on which somebody says yes.

    Raises:
        ProviderAway: the provider does not answer.
    """
    endpoint = ask_metadata(provider)["authorization_endpoint"]
    from authlib.integrations.requests_client import OAuth2Session

    with OAuth2Session(provider.client_id, scope=SCOPE, redirect_uri=redirect_uri, code_challenge_method="S256") as client:
        url, _state = client.create_authorization_url(endpoint, state=state, nonce=nonce, code_verifier=verifier)
    return str(url)


def new_secret() -> str:
    """A nonce or a verifier: 256 bits, 43 characters. Source: RFC 7636, 4.1."""
    return secrets.token_urlsafe(32)


def check_answer(provider: OidcProvider, answer: Mapping[str, str]) -> str:
    """The code in what the visitor brings back.

    Raises:
        SignInRefused: the provider said no, there is no code, or another provider answered.
    """
    metadata = ask_metadata(provider)
    issuer = answer.get("iss")
    is_promised = metadata.get("authorization_response_iss_parameter_supported") is True
    if (issuer is not None and issuer != provider.issuer) or (issuer is None and is_promised):
        raise refused(provider, "the answer came from another issuer")
    if "error" in answer:
        log.info("%s said no: %s", provider.name, answer["error"][:60].encode("ascii", "replace").decode())
        raise SignInRefused(_("%(name)s did not sign you in, or you went back. Try again, or come in another way.", name=provider.label))
    code = answer.get("code", "")
    if not 1 <= len(code) <= LONGEST:
        raise refused(provider, "no code")
    return code


def redeem(provider: OidcProvider, code: str, *, redirect_uri: str, nonce: str, verifier: str, at: datetime) -> Person:
    """Who it is, for a code that the visitor brought.

    Raises:
        SignInRefused: the provider refuses the code, or what it says does not hold.
        ProviderAway: it does not answer.
    """
    metadata = ask_metadata(provider)
    tokens = _fetch_tokens(provider, metadata, code, redirect_uri=redirect_uri, verifier=verifier)
    id_token, access_token = tokens.get("id_token"), tokens.get("access_token")
    if not isinstance(id_token, str) or not isinstance(access_token, str):
        raise refused(provider, "no ID token")
    claims = read_id_token(provider, id_token, nonce=nonce, access_token=access_token, at=at)
    if "email" not in claims and metadata.get("userinfo_endpoint"):
        claims = {**_ask_userinfo(provider, metadata, access_token, claims["sub"]), "sub": claims["sub"]}
    return person_of(provider, claims)


def read_id_token(
    provider: OidcProvider, token: str, *, nonce: str | None, access_token: str | None = None, at: datetime
) -> dict[str, Any]:
    """The claims of an ID token that this provider signed, for us, just now.

    Raises:
        SignInRefused: one of that is not so.
        ProviderAway: its keys cannot be had.
    """
    from authlib.oidc.core import CodeIDToken
    from joserfc import jwt
    from joserfc.errors import JoseError

    if len(token) > LONGEST or not token.isascii():
        raise refused(provider, "no ID token")
    try:
        found = jwt.decode(token, lambda asked: _key_for(provider, asked.headers()), algorithms=ALGORITHMS)
        options: Any = {
            "iss": {"essential": True, "value": provider.issuer},
            "aud": {"essential": True, "value": provider.client_id},
            "sub": {"essential": True},
        }
        params = {"nonce": nonce, "client_id": provider.client_id, "access_token": access_token}
        claims = CodeIDToken(found.claims, found.header, options, params)
        claims.validate(now=int(at.timestamp()), leeway=LEEWAY_S)
    except (JoseError, ValueError, TypeError, KeyError, RecursionError) as error:
        raise refused(provider, f"the ID token does not hold: {type(error).__name__} {error}"[:200]) from None
    if not isinstance(claims["sub"], str) or not 1 <= len(claims["sub"]) <= LONGEST_SUBJECT or not claims["sub"].isprintable():
        raise refused(provider, "no subject")
    return dict(claims)


def person_of(provider: OidcProvider, claims: Mapping[str, Any]) -> Person:
    """Somebody by their claims; an address that is not verified is none."""
    is_verified = claims.get("email_verified") is True or claims.get("email_verified") == "true"
    email = _cleaned(clean_email, claims.get("email")) if is_verified else ""
    name = _cleaned(lambda text: clean_text(text, maximum=120, minimum=1), claims.get("name")) or email.partition("@")[0]
    return Person(provider.name, provider.issuer, claims["sub"], email, name)


def refused(provider: OidcProvider, why: str) -> SignInRefused:
    """The log hears why; the visitor what to do."""
    log.warning("sign-in with %s refused: %s", provider.name, why)
    count(SIGN_IN_REFUSALS, "provider", SignInRefused.slug)
    return SignInRefused(
        _("What %(name)s told us does not hold. Nothing was done. Begin again, or come in another way.", name=provider.label)
    )


def _cleaned(clean: Any, value: object) -> str:
    try:
        return str(clean(value)) if isinstance(value, str) else ""
    except ValueError:
        return ""


def _fetch_tokens(provider: OidcProvider, metadata: dict[str, Any], code: str, *, redirect_uri: str, verifier: str) -> dict[str, Any]:
    import requests
    from authlib.common.errors import AuthlibBaseError
    from authlib.integrations.requests_client import OAuth2Session

    methods = metadata.get("token_endpoint_auth_methods_supported") or ["client_secret_basic"]
    method = "client_secret_basic" if "client_secret_basic" in methods else "client_secret_post"
    try:
        with OAuth2Session(
            provider.client_id, provider.client_secret, redirect_uri=redirect_uri, token_endpoint_auth_method=method
        ) as client:
            wanted = {"code": code, "code_verifier": verifier, "grant_type": "authorization_code"}
            return dict(client.fetch_token(metadata["token_endpoint"], **wanted, timeout=PATIENCE_S, allow_redirects=False))
    except AuthlibBaseError as error:
        raise refused(provider, f"the code was not taken: {error.error}"[:100]) from None
    except (requests.RequestException, OSError, ValueError, TypeError) as error:
        log.warning("the provider %s gave no token: %s", provider.name, type(error).__name__)
        raise away(provider) from None


def _ask_userinfo(provider: OidcProvider, metadata: dict[str, Any], access_token: str, subject: str) -> dict[str, Any]:
    """What the ID token left out, if it is about the same person. Source: OpenID Connect Core, 5.3.2."""
    found = fetch_json(provider, metadata["userinfo_endpoint"], token=access_token)
    if found.get("sub") != subject:
        raise refused(provider, "userinfo speaks of somebody else")
    return found


def _key_for(provider: OidcProvider, header: Mapping[str, Any]) -> KeySet:
    """Its keys of this name, whatever else the token says of keys. One without a name fits where there is a single key."""
    from joserfc.jwk import KeySet

    kid = header.get("kid")
    if kid is not None and not isinstance(kid, str):
        raise ValueError("kid is no text")
    keys = [key for key in ask_keys(provider, kid=kid) if key.get("kty") in {"RSA", "EC", "OKP"} and key.get("use", "sig") == "sig"]
    fitting = [key for key in keys if key.get("kid") == kid] if kid is not None else keys
    if len(fitting) != 1:
        raise ValueError("no key of this name")
    return KeySet.import_key_set({"keys": fitting})


__all__ = ["Person", "ProviderAway", "SignInRefused", "check_answer", "new_secret", "read_id_token", "redeem", "way_there"]
