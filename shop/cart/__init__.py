"""The cart: of a guest by cookie, of a member on every device."""

from __future__ import annotations

from flask import Blueprint, Flask

bp = Blueprint("cart", __name__)


def init_app(app: Flask) -> None:
    """Register this feature's routes."""
    app.register_blueprint(bp)
