"""The door for staff: the guard of /admin and the dashboard."""

from __future__ import annotations

from flask import Blueprint, Flask

bp = Blueprint("admin", __name__)


def init_app(app: Flask) -> None:
    """Register this feature's routes."""
    app.register_blueprint(bp)
