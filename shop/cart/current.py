"""The visitor's cart: the only module of this feature that asks who is there.

A guest's cart is named by a random key in the signed session cookie (``session["cart"]``); a member's is theirs on every device. A cart is made when
something is first put in, never by looking.
"""

from __future__ import annotations

import secrets
from datetime import datetime
from typing import Any

from flask import current_app, flash, g, has_request_context, request, session
from flask_babel import gettext as _
from flask_babel import ngettext

from shop.auth.current import network
from shop.auth.limits import count_try, take_back_try
from shop.cart.codes import use_code
from shop.cart.looked import SOMEBODY, Buyer
from shop.cart.merging import Merge, merge_carts
from shop.cart.queries import count_visitor_items, find_cart, find_variant, list_visitor_lines
from shop.cart.quotes import CartView, quote_lines
from shop.cart.services import Held, Owner, Removed
from shop.clock import now
from shop.errors import Invalid
from shop.pricing.queries import reachable_countries
from shop.promotion.offers import list_offers
from shop.web.context import user
from shop.web.cookies import has_cookie
from shop.web.locale import current_locale

KEY, ADDED, REMOVED, NEWS = "cart", "cart_added", "cart_removed", "cart_news"


def find_cart_id() -> int | None:
    """The visitor's open cart, if there is one. Strangers without a cookie cost no statement."""
    return find_cart(key=_key(), user_id=_user_id())


def this_owner() -> Owner:
    """Whose cart would be changed now: a member, a guest with a key, or a stranger."""
    return Owner(_key(), _user_id())


def keep_cart(cart: Held) -> None:
    """Remember a guest's cart in the cookie, for ninety days from the last visit. Members need no key."""
    if _key() != cart.key and _user_id() is None:
        session[KEY] = g.cart_key = cart.key
        session.permanent = True


def owner_name() -> str:
    """Under which name the visitor's Idempotency-Keys are kept. Strangers share none: each request of theirs is somebody else's."""
    owner = this_owner()
    if owner.user_id is not None:
        return f"user:{owner.user_id}"
    return f"cart:{owner.key}" if owner.key else f"stranger:{secrets.token_hex(16)}"


def quote_visitor_cart(country: str = "") -> CartView:
    """The visitor's cart as page and JSON show it: delivered to ``country``, else within the shop's own, the cheapest way."""
    locale, at, buyer = current_locale(), now(), this_buyer()
    country = country if country in reachable_countries() else current_app.extensions["config"].country
    found = list_visitor_lines(key=_key(), buyer=buyer, locale=locale, at=at)
    view = quote_lines(found, country=country, delivery_code=None, locale=locale, at=at, buyer=buyer)
    g.cart_count = view.count
    return view


def this_buyer(email: str = "") -> Buyer:
    """For whom prices are worked out: a member, or a guest of whom no more is known than the ``email`` they typed."""
    visitor = user()
    if visitor is None:
        return Buyer(email) if email else SOMEBODY
    return Buyer(email or visitor.email, int(visitor.id))


def use_typed_code(typed: str, *, email: str = "") -> None:
    """Put a code into the visitor's cart. Wrong ones are counted for their network, before they are looked up: codes are not to be guessed.

    Raises:
        Invalid: it cannot count; ``/code`` says why.
        TooManyTries: too many wrong ones came from there.
    """
    if not typed.strip():
        raise Invalid({"/code": [_("Type the code first.")]})
    at, tried = now(), f"code:{network()}"
    count_try(tried, at=at)
    keep_cart(use_code(this_owner(), typed, list_offers(current_locale()), buyer=this_buyer(email), locale=current_locale(), at=at))
    take_back_try(tried)


def cart_count() -> int:
    """For templates: how many pieces the visitor's cart holds. Nothing is asked for strangers, one SUM for everybody else."""
    is_known = has_cookie()
    if "cart_count" not in g:
        g.cart_count = count_visitor_items(key=_key(), user_id=_user_id(), at=now()) if is_known else 0
    return int(g.cart_count)


# What was put in or taken out, until the next look at the cart


def remember_added(variant_id: int) -> None:
    """So that the cart's page can say what came in."""
    session[ADDED] = variant_id


def take_added() -> int | None:
    """The variant that was put in just now; told once."""
    return session.pop(ADDED, None) if has_cookie() and ADDED in session else None


def remember_removed(removed: Removed) -> None:
    """So that the cart's page can offer to put it back."""
    found = find_variant(removed.variant_id, locale=current_locale(), at=now())
    session[REMOVED] = {**removed._asdict(), "name": found.name if found else ""}


def take_removed() -> dict[str, Any] | None:
    """What was taken out just now; told once."""
    return session.pop(REMOVED, None) if has_cookie() and REMOVED in session else None


# Log-in


def join_carts(_app: object, *, user_id: int, at: datetime) -> None:
    """Somebody logged in: what they had put in as a guest comes along. Pages say so at once, JSON with the next look at the cart."""
    key = _key() if has_request_context() else None
    if key is None:
        return
    merge = merge_carts(key, user_id, locale=current_locale(), at=at)
    session.pop(KEY, None)
    g.pop("cart_count", None)
    if merge is None or not merge.joined:
        return
    if request.path.startswith("/api/"):
        session[NEWS] = _tell(merge)
        return
    good, *cut = _tell(merge)
    flash(good, "good")
    for sentence in cut:
        flash(sentence, "warning")


def take_news() -> list[str]:
    """What happened to the cart since JSON last showed it; told once."""
    return session.pop(NEWS, []) if has_cookie() and NEWS in session else []


def _tell(merge: Merge) -> list[str]:
    """What joining did, the good news first."""
    joined = ngettext(
        "What lay in your cart here is now with what you had put in before.",
        "The %(num)d things in your cart here are now with what you had put in before.",
        merge.joined,
    )
    cut = [
        _("Of %(name)s the cart holds %(kept)d instead of %(wanted)d: there are no more.", **capped._asdict()) for capped in merge.capped
    ]
    return [joined, *cut]


def _key() -> str | None:
    """The guest's key: of the cookie, or made in this very request."""
    key = session.get(KEY) if has_cookie() else g.get("cart_key")
    return key if isinstance(key, str) else None


def _user_id() -> int | None:
    visitor = user()
    return None if visitor is None else int(visitor.id)
