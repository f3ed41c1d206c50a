"""The session cookie: signed, and absent from every page that may be cached for strangers."""

from __future__ import annotations

from flask import Flask, Response
from flask.sessions import SecureCookieSessionInterface, SessionMixin


class Sessions(SecureCookieSessionInterface):
    """Public pages neither set the cookie nor vary by it; one that changed the session is a bug and says so."""

    def save_session(self, app: Flask, session: SessionMixin, response: Response) -> None:
        if response.cache_control.public:
            if session.modified:
                raise RuntimeError("a public page changed the session")
            return
        super().save_session(app, session, response)
