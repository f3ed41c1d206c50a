"""How many pieces there are, and why that number ever changed."""

from __future__ import annotations

from flask import Blueprint, Flask

bp = Blueprint("inventory", __name__)


def init_app(app: Flask) -> None:
    """Register this feature's routes."""
    app.register_blueprint(bp)
