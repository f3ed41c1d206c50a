"""Who you are and what you may do: users, log-in sessions, passwords, roles.

The cookie holds a random token, the table its SHA-256: ending the row logs out at once, whoever has a copy of the cookie. A new token at every
log-in and whenever rights or the password change. See ``current`` for the doors, ``services`` for the verbs, ``limits`` against guessing.
"""

from __future__ import annotations

from datetime import timedelta

from flask import Blueprint, Flask

from shop.outbox.periodic import every
from shop.web.context import add_context

bp = Blueprint("auth", __name__)


def init_app(app: Flask) -> None:
    """Register this feature's routes, commands and the visitor of each request."""
    from shop.auth import cli, current, limits, passwords, sessions, tickets
    from shop.auth.mailed import messages
    from shop.auth.oidc.visiting import sign_in_ways
    from shop.auth.tokens import cli as tokens_cli
    from shop.auth.tokens import services as tokens
    from shop.auth.tokens import signing

    passwords.init_app(app)
    current.init_app(app)
    app.cli.add_command(cli.user_commands)
    every(app, timedelta(hours=1), "auth.sweep_tries", limits.sweep_tries)
    every(app, timedelta(days=1), "auth.sweep_sessions", sessions.sweep_sessions)
    every(app, timedelta(hours=6), "auth.sweep_tickets", tickets.sweep_tickets)
    every(app, timedelta(days=1), "auth.sweep_keys", signing.sweep_keys)
    every(app, timedelta(days=1), "auth.sweep_refresh_tokens", tokens.sweep_refresh_tokens)
    app.cli.add_command(tokens_cli.auth_commands)
    add_context(app, sign_in_ways=sign_in_ways)
    messages.init_app(app)
    app.register_blueprint(bp)


from shop.auth import api, views  # noqa: F401
from shop.auth.keys import api as keys_api  # noqa: F401
from shop.auth.mailed import api as mailed_api  # noqa: F401
from shop.auth.mailed import views as mailed_views  # noqa: F401
from shop.auth.oidc import views as oidc_views  # noqa: F401
from shop.auth.second import api as second_api  # noqa: F401
from shop.auth.second import views as second_views  # noqa: F401
from shop.auth.tokens import api as tokens_api  # noqa: F401
