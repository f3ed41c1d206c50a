"""Which answers may be kept by caches: none, unless a view says ``@public_page``."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import ParamSpec

from flask import Flask, Response, g, make_response, request
from flask.typing import ResponseReturnValue

P = ParamSpec("P")
HELD_S = 60


def public_page(view: Callable[P, ResponseReturnValue]) -> Callable[P, ResponseReturnValue]:
    """A page that is the same for every stranger: shared caches may keep it for a minute, visitors without any cookie get it from there.

    The view must not touch session, flash or current user unless ``has_cookie()``; a visitor with a cookie gets a private answer.
    """

    @wraps(view)
    def wrapped(*args: P.args, **kwargs: P.kwargs) -> Response:
        response = make_response(view(*args, **kwargs))
        if not request.cookies and response.status_code in {200, 301, 304} and request.method in {"GET", "HEAD"}:
            g.is_public = True
        return response

    wrapped.is_public = True  # type: ignore[attr-defined]
    return wrapped


def _set_caching(response: Response) -> Response:
    if g.get("is_public"):
        response.headers["Cache-Control"] = f"public, max-age=0, s-maxage={HELD_S}"
    elif "Cache-Control" not in response.headers:
        response.headers["Cache-Control"] = "private, no-store"
    return response


def init_app(app: Flask) -> None:
    app.after_request(_set_caching)
