"""Has this visitor been here before? Answered without touching the session, so that pages for strangers stay cacheable."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import cast

from flask import current_app, g, has_request_context, request, session
from flask.sessions import SessionMixin

from shop.web.bearer import is_bearer


def has_cookie() -> bool:
    """Did the browser send our session cookie? Without it there is no cart, no log-in and no flashed message to look for."""
    if not has_request_context():
        return False
    if "look" in g:
        g.look.at_cookie = True
    return current_app.config["SESSION_COOKIE_NAME"] in request.cookies and not is_bearer()


@dataclass(slots=True)
class Look:
    """What was looked at: whether there is a cookie, and what the session holds."""

    at_cookie: bool = False
    at_session: bool = False


@contextmanager
def watched() -> Iterator[Look]:
    """Notice whether what happens meanwhile looks at the visitor: what does not is the same for all."""
    own = cast("SessionMixin", session._get_current_object())  # type: ignore[attr-defined]  # noqa: SLF001 - the proxy's way to what it stands for
    outer, g.look = g.get("look"), Look()
    look: Look = g.look
    own.accessed = False
    try:
        yield look
    finally:
        look.at_session, own.accessed = own.accessed, True
        g.look = outer or Look()
