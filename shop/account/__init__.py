"""What is mine: my orders, my addresses, my profile, the devices on which I am logged in."""

from __future__ import annotations

from flask import Blueprint, Flask

bp = Blueprint("account", __name__)


def init_app(app: Flask) -> None:
    """Register this feature's routes."""
    app.register_blueprint(bp)


from shop.account import views  # noqa: F401
