"""People for staff: customers with what they bought, accounts with their devices, roles. What people do for themselves stands in ``shop.account``."""

from __future__ import annotations

from flask import Blueprint, Flask

bp = Blueprint("people", __name__)


def init_app(app: Flask) -> None:
    """Register the JSON; the pages hang below the back office."""
    app.register_blueprint(bp)


from shop.people import api  # noqa: F401
