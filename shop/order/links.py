"""The link by which a guest sees an order: the number, and a signature that only this shop can make. It stays the same until the secret changes."""

from __future__ import annotations

import hashlib
from typing import Any, Protocol

from flask import current_app, url_for
from itsdangerous import Signer

from shop.web.locale import absolute_url, path_in

KEY_MAX = 100


class Owned(Protocol):
    """What ``can_see`` must know of an order."""

    @property
    def number(self) -> str: ...

    @property
    def user_id(self) -> int | None: ...


def order_key(number: str) -> str:
    """The part of a guest's link that cannot be guessed."""
    return _signer().get_signature(number).decode()


def is_key(number: str, key: str) -> bool:
    """Does ``key`` open the order ``number``? Compared in constant time."""
    return len(key) <= KEY_MAX and key.isascii() and _signer().verify_signature(number.encode(), key.encode())


def order_url(number: str, locale: str) -> str:
    """The whole address of an order's page, for mails and for programs; opens without a log-in."""
    return absolute_url(path_in(locale, f"/orders/{number}?key={order_key(number)}"))


def own_path(order: Owned, user: Any) -> str:
    """The page of an order for a visitor who may see it: members need no key."""
    key = None if can_see(order, "", user) else order_key(order.number)
    return url_for("order.show_order", number=order.number, key=key)


def can_see(order: Owned, key: str, user: Any, permission: str = "orders.view") -> bool:
    """Whoever holds the link, is the member who ordered, or works here and may do that. ``user`` is None for strangers."""
    if key and is_key(order.number, key):
        return True
    return user is not None and (user.may(permission) or (order.user_id is not None and order.user_id == user.id))


def actor(order: Owned, user: Any) -> str:
    """Who acts, as the timeline names them: staff by their e-mail, unless the order is their own; anybody else is the customer."""
    is_staff = user is not None and user.is_staff and order.user_id != user.id
    return str(user.email) if is_staff else "customer"


def _signer() -> Signer:
    return Signer(str(current_app.config["SECRET_KEY"]), salt="order-link", digest_method=hashlib.sha256)
