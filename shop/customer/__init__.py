"""Who buys: customers with or without a log-in, and their addresses."""

from __future__ import annotations

import os

from flask import Blueprint, Flask

from shop.customer.services import follow_new_email
from shop.outbox import subscribe

bp = Blueprint("customer", __name__)


def init_app(app: Flask) -> None:
    """Register this feature's routes and commands; who moves an account to another address is known by that one."""
    subscribe(app, "user.email_changed", "customer.follow_new_email", follow_new_email)
    app.register_blueprint(bp)
    if os.environ.get("FLASK_RUN_FROM_CLI") or app.testing:
        from shop.customer.cli import customer_commands

        app.cli.add_command(customer_commands)
