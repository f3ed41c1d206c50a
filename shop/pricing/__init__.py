"""What a customer is asked to pay: rules are pure functions over values."""

from __future__ import annotations

from flask import Blueprint, Flask

bp = Blueprint("pricing", __name__)


def init_app(app: Flask) -> None:
    """Register this feature's routes."""
    app.register_blueprint(bp)


from shop.pricing import api  # noqa: F401
