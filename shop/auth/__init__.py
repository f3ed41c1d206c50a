"""Who you are and what you may do: users, log-in sessions, passwords, roles.

The cookie holds a random token, the table its SHA-256: ending the row logs out at once, whoever has a copy of the cookie. A new token at every
log-in and whenever rights or the password change. See ``current`` for the doors, ``services`` for the verbs, ``limits`` against guessing.
"""

from __future__ import annotations

from datetime import timedelta

from flask import Blueprint, Flask

from shop.outbox.periodic import every

bp = Blueprint("auth", __name__)


def init_app(app: Flask) -> None:
    """Register this feature's routes, commands and the visitor of each request."""
    from shop.auth import cli, current, limits, passwords, services

    passwords.init_app(app)
    current.init_app(app)
    app.cli.add_command(cli.user_commands)
    every(app, timedelta(hours=1), "auth.sweep_tries", limits.sweep_tries)
    every(app, timedelta(days=1), "auth.sweep_sessions", services.sweep_sessions)
    app.register_blueprint(bp)


from shop.auth import api, views  # noqa: F401
