"""Who buys: customers with or without a log-in, and their addresses."""

from __future__ import annotations

from flask import Blueprint, Flask

bp = Blueprint("customer", __name__)


def init_app(app: Flask) -> None:
    """Register this feature's routes."""
    app.register_blueprint(bp)
