"""Payments: attempts, gateways, what came in."""

from __future__ import annotations

from flask import Blueprint, Flask

bp = Blueprint("payment", __name__)


def init_app(app: Flask) -> None:
    """Register this feature's routes."""
    app.register_blueprint(bp)
