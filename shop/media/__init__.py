"""Pictures: checked, resized, stored by content hash."""

from __future__ import annotations

from flask import Blueprint, Flask

bp = Blueprint("media", __name__)


def init_app(app: Flask) -> None:
    """Register this feature's routes."""
    app.register_blueprint(bp)
