"""Where cart, address, delivery and payment meet: quote, place, retry."""

from __future__ import annotations

from flask import Blueprint, Flask

bp = Blueprint("checkout", __name__)


def init_app(app: Flask) -> None:
    """Register this feature's routes."""
    app.register_blueprint(bp)
