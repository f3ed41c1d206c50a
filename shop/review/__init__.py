"""What customers say about products."""

from __future__ import annotations

from flask import Blueprint, Flask

bp = Blueprint("review", __name__)


def init_app(app: Flask) -> None:
    """Register this feature's routes."""
    app.register_blueprint(bp)
