"""Programs that say by a header who they are: ``Authorization: Bearer …``, below ``/api/`` alone.

Such a request has no cookie, whatever its client sends along: no browser adds the header by itself, so it need not be asked where it came from.
"""

from __future__ import annotations

from flask import Request, has_request_context, request


def is_bearer() -> bool:
    """Does this request show a token instead of a cookie?"""
    return has_request_context() and shows_token(request)


def shows_token(asked: Request) -> bool:
    """The same, where no request is open yet."""
    return asked.path.startswith("/api/") and _scheme(asked) == "bearer"


def shown_token() -> str:
    """What the header holds after the word Bearer."""
    return request.headers["Authorization"].strip().partition(" ")[2].strip()


def _scheme(asked: Request) -> str:
    return asked.headers.get("Authorization", "").strip().partition(" ")[0].lower()
