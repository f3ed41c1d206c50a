"""Orders: what was agreed, frozen, and what became of it."""

from __future__ import annotations

from flask import Blueprint, Flask

bp = Blueprint("order", __name__)


def init_app(app: Flask) -> None:
    """Register this feature's routes."""
    app.register_blueprint(bp)
