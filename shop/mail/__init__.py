"""One sender of mails; the messages themselves live with their feature."""

from __future__ import annotations

from flask import Blueprint, Flask

bp = Blueprint("mail", __name__)


def init_app(app: Flask) -> None:
    """Register this feature's routes."""
    app.register_blueprint(bp)
