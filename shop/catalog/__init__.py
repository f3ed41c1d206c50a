"""What the shop sells, and walking through it: shelves, goods, prices. Public pages, the same for every stranger."""

from __future__ import annotations

import os
from datetime import timedelta

from flask import Blueprint, Flask

from shop.catalog.menu import menu
from shop.catalog.tasks import show_due
from shop.outbox.periodic import every
from shop.web.context import add_context

bp = Blueprint("catalog", __name__)


def init_app(app: Flask) -> None:
    """Register this feature's routes, offer ``menu()`` to templates, look each minute for what is due."""
    app.register_blueprint(bp)
    add_context(app, menu=menu)
    every(app, timedelta(minutes=1), "catalog.show_due", show_due)
    if os.environ.get("FLASK_RUN_FROM_CLI") or app.testing:
        from shop.catalog.cli import catalog_commands

        app.cli.add_command(catalog_commands)


from shop.catalog import api, api_staff, views  # noqa: F401
