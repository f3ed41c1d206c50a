"""What happened, and who must hear of it: events written with their cause, delivered at least once, in order per subject."""

from __future__ import annotations

from flask import Blueprint, Flask

bp = Blueprint("outbox", __name__)


def init_app(app: Flask) -> None:
    """Register this feature's routes."""
    app.register_blueprint(bp)
