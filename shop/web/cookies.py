"""Has this visitor been here before? Answered without touching the session, so that pages for strangers stay cacheable."""

from __future__ import annotations

from flask import current_app, has_request_context, request


def has_cookie() -> bool:
    """Did the browser send our session cookie? Without it there is no cart, no log-in and no flashed message to look for."""
    return has_request_context() and current_app.config["SESSION_COOKIE_NAME"] in request.cookies
