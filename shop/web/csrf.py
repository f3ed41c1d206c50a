"""Unsafe requests must come from our own pages: checked by ``Sec-Fetch-Site`` or ``Origin``, for everybody, log-in included.

Forms of people who are logged in carry Flask-WTF's token as well (``shop.web.fields.ShopForm``). Source: OWASP CSRF cheat sheet, "Fetch Metadata".
"""

from __future__ import annotations

from flask import Flask, request

from shop.errors import N_, Forbidden
from shop.web.bearer import is_bearer
from shop.web.text import host_of

SAFE = {"GET", "HEAD", "OPTIONS"}


class ForeignOrigin(Forbidden):
    """An unsafe request came from another site."""

    slug, title = "foreign-origin", N_("This came from another site")


def check_origin() -> None:
    """Refuse an unsafe request that a foreign page made. Clients that are no browsers send neither header and have no cookies to abuse; nor has
    a request that shows a token.

    Raises:
        ForeignOrigin: the browser says that another site sent it.
    """
    if request.method in SAFE or is_bearer():
        return
    site = request.headers.get("Sec-Fetch-Site")
    origin = request.headers.get("Origin")
    came_from_here = origin is None or host_of(origin) == request.host
    is_ours = came_from_here if site is None else site in {"same-origin", "none"}
    if not is_ours:
        raise ForeignOrigin("Open the shop's own page and try again from there.")


def init_app(app: Flask) -> None:
    app.before_request(check_origin)
