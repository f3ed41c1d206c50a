"""The visitor's cart: the only module of this feature that asks who is there.

A guest's cart is named by a random key in the signed session cookie (``session["cart"]``); a member's is theirs on every device. A cart is made when
something is first put in, never by looking.
"""

from __future__ import annotations

from flask import session

from shop.cart.queries import count_visitor_items, find_cart
from shop.cart.services import Held, Owner, open_cart
from shop.clock import now
from shop.web.context import user
from shop.web.cookies import has_cookie

KEY = "cart"


def find_cart_id() -> int | None:
    """The visitor's open cart, if there is one. Strangers without a cookie cost no statement."""
    return find_cart(key=_key(), user_id=_user_id())


def start_cart() -> int:
    """The visitor's open cart, made when there is none."""
    cart = open_cart(this_owner(), at=now())
    keep_cart(cart)
    return cart.id


def this_owner() -> Owner:
    """Whose cart would be changed now: a member, a guest with a key, or a stranger."""
    return Owner(_key(), _user_id())


def keep_cart(cart: Held) -> None:
    """Remember a guest's cart in the cookie, for ninety days from the last visit. Members need no key."""
    if _user_id() is None and _key() != cart.key:
        session[KEY] = cart.key
        session.permanent = True


def cart_count() -> int:
    """For templates: how many pieces the visitor's cart holds. Nothing is asked for strangers, one SUM for everybody else."""
    if not has_cookie():
        return 0
    return count_visitor_items(key=_key(), user_id=_user_id(), at=now())


def _key() -> str | None:
    key = session.get(KEY) if has_cookie() else None
    return key if isinstance(key, str) else None


def _user_id() -> int | None:
    visitor = user()
    return None if visitor is None else int(visitor.id)
