"""What providers say of themselves: their addresses and their keys, asked for when first needed and remembered for an hour.

Source: OpenID Connect Discovery 1.0, 4.3 (the issuer must be exactly the one that was asked).
"""

from __future__ import annotations

import json
import logging
import time
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from flask import current_app
from flask_babel import gettext as _

from config import OidcProvider
from shop.errors import N_, NotFound, ShopError

log = logging.getLogger(__name__)
PATIENCE_S = (3.05, 6)
MOST_BYTES = 256 * 1024
KEPT_S = 3600.0
ASKED_AGAIN_S = 60.0
LOOPBACK = {"localhost", "127.0.0.1"}
ENDPOINTS = ("authorization_endpoint", "token_endpoint", "jwks_uri")


class SignInRefused(ShopError):
    """What came back from a provider, or with a visitor from there, does not hold. Nobody is logged in; the log says why."""

    status, slug, title = 400, "sign-in-refused", N_("You are not signed in")


class ProviderAway(ShopError):
    """A provider does not answer, or not with what it must."""

    status, slug, title = 503, "provider-away", N_("This way to sign in does not work at the moment")


@dataclass(slots=True)
class Known:
    """What this process remembers of a provider."""

    metadata: dict[str, Any]
    asked_at: float
    keys: list[dict[str, Any]] = field(default_factory=list)
    keys_asked_at: float = float("-inf")


def list_providers() -> tuple[OidcProvider, ...]:
    """Those that the settings name."""
    providers: tuple[OidcProvider, ...] = current_app.extensions["config"].oidc_providers
    return providers


def get_provider(name: str) -> OidcProvider:
    """One of them.

    Raises:
        NotFound: the settings do not name it.
    """
    for provider in list_providers():
        if provider.name == name:
            return provider
    raise NotFound


def origin_of(url: str) -> str:
    """Scheme, host and port."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"


def ask_metadata(provider: OidcProvider) -> dict[str, Any]:
    """Its addresses, all checked.

    Raises:
        ProviderAway: it does not answer, calls itself something else, or names an address without TLS.
    """
    return _known(provider).metadata


def ask_keys(provider: OidcProvider, *, kid: str | None) -> list[dict[str, Any]]:
    """Its public keys. When ``kid`` is not among them they are asked for again, at most once a minute.

    Raises:
        ProviderAway: it does not answer.
    """
    known = _known(provider)
    age = time.monotonic() - known.keys_asked_at
    is_missing = kid is not None and not any(key.get("kid") == kid for key in known.keys)
    if age > KEPT_S or (is_missing and age > ASKED_AGAIN_S):
        found = fetch_json(provider, known.metadata["jwks_uri"]).get("keys")
        known.keys = [key for key in found if isinstance(key, dict)] if isinstance(found, list) else []
        known.keys_asked_at = time.monotonic()
    return known.keys


def fetch_json(provider: OidcProvider, url: str, *, token: str = "") -> dict[str, Any]:
    """A JSON object from a provider: no redirect is followed, no more than 256 kB read.

    Raises:
        ProviderAway: something else came, or nothing.
    """
    import requests

    headers = {"Accept": "application/json", **({"Authorization": f"Bearer {token}"} if token else {})}
    try:
        with requests.get(url, headers=headers, timeout=PATIENCE_S, allow_redirects=False, stream=True) as answer:
            body = answer.raw.read(MOST_BYTES + 1, decode_content=True)
            value = json.loads(body) if answer.status_code == 200 and len(body) <= MOST_BYTES else None
    except (requests.RequestException, OSError, ValueError, RecursionError) as error:
        log.warning("the provider %s did not answer: %s", provider.name, type(error).__name__)
        value = None
    if not isinstance(value, dict):
        raise away(provider)
    return value


def is_safe(provider: OidcProvider, url: object) -> bool:
    """Is this an address to which something of ours may go? Over TLS, or on this very machine while the issuer is."""
    if not isinstance(url, str):
        return False
    parts, issuer = urlsplit(url), urlsplit(provider.issuer)
    is_local = parts.scheme == "http" and parts.hostname in LOOPBACK and issuer.scheme == "http"
    return bool(parts.hostname) and (parts.scheme == "https" or is_local)


def away(provider: OidcProvider) -> ProviderAway:
    return ProviderAway(_("%(name)s does not answer as it should. Try again later, or come in another way.", name=provider.label))


def _known(provider: OidcProvider) -> Known:
    remembered: dict[str, Known] = current_app.extensions.setdefault("oidc", {})
    known = remembered.get(provider.name)
    if known is None or time.monotonic() - known.asked_at > KEPT_S:
        known = remembered[provider.name] = Known(_ask(provider), time.monotonic())
    return known


def _ask(provider: OidcProvider) -> dict[str, Any]:
    found = fetch_json(provider, f"{provider.issuer.rstrip('/')}/.well-known/openid-configuration")
    wrong = [name for name in ENDPOINTS if not is_safe(provider, found.get(name))]
    if found.get("userinfo_endpoint") is not None and not is_safe(provider, found["userinfo_endpoint"]):
        wrong.append("userinfo_endpoint")
    challenges = found.get("code_challenge_methods_supported")
    if challenges is not None and "S256" not in challenges:
        wrong.append("code_challenge_methods_supported")
    if found.get("issuer") != provider.issuer:
        wrong.append("issuer")
    if wrong:
        log.error("the provider %s says wrong things of itself: %s", provider.name, ", ".join(wrong))
        raise away(provider)
    return found
