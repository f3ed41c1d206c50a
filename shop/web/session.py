"""The session cookie: signed, and absent from every page that may be cached for strangers."""

from __future__ import annotations

from typing import Any

from flask import Flask, Request, Response
from flask.sessions import SecureCookieSession, SecureCookieSessionInterface, SessionMixin

from shop.web.bearer import is_bearer, shows_token


class Sessions(SecureCookieSessionInterface):
    """Public pages neither set the cookie nor vary by it; one that changed the session is a bug and says so."""

    def __init__(self) -> None:
        self.signer: Any = None

    def get_signing_serializer(self, app: Flask) -> Any:
        """Made once: the key does not change while the application runs."""
        self.signer = self.signer or super().get_signing_serializer(app)
        return self.signer

    def open_session(self, app: Flask, request: Request) -> SecureCookieSession | None:
        """What the cookie holds; nothing is checked for those who bring none, and nothing held for those who show a token instead."""
        if self.get_cookie_name(app) not in request.cookies or shows_token(request):
            return self.session_class()
        return super().open_session(app, request)

    def save_session(self, app: Flask, session: SessionMixin, response: Response) -> None:
        if "public" in response.headers.get("Cache-Control", ""):
            if session.modified:
                raise RuntimeError("a public page changed the session")
            return
        if not is_bearer():
            super().save_session(app, session, response)
