"""What the pages around a provider share: the address to come back to, and what the cookie holds meanwhile."""

from __future__ import annotations

from flask import current_app, redirect, render_template, session
from flask.typing import ResponseReturnValue

from config import OidcProvider
from shop.auth.oidc.discovery import get_provider, list_providers, origin_of
from shop.auth.oidc.services import Begun
from shop.web.headers import allow
from shop.web.locale import link

STATE, OFFER = "sign_in_state", "link_offer"


def return_address(provider: str) -> str:
    """Where the provider sends people back to: one address, registered there, from the settings."""
    return link("auth.return_from_provider", locale=current_app.extensions["config"].locales[0], provider=provider)


def go_to(name: str, begun: Begun) -> ResponseReturnValue:
    """To the provider. Where its page is not where its name is, a form may not lead there by itself: one more link does."""
    session[STATE] = begun.state
    if begun.is_elsewhere:
        return render_template("auth/go_to_provider.html", url=begun.url, provider=get_provider(name))
    return redirect(begun.url, 303)


def take_state() -> str:
    """What this browser asked with; an answer counts once."""
    return str(session.pop(STATE, ""))


def sign_in_ways() -> tuple[OidcProvider, ...]:
    """The providers, for a page that shows their buttons: its forms may lead to them."""
    providers = list_providers()
    for provider in providers:
        allow("form-action", origin_of(provider.issuer))
    return providers
