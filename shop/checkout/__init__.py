"""Where cart, address, delivery and payment meet: quote, place, retry.

What is charged is what was shown; what changed meanwhile is shown and asked again; one cart becomes one order.
"""

from __future__ import annotations

from flask import Blueprint, Flask

bp = Blueprint("checkout", __name__)


def init_app(app: Flask) -> None:
    """Register this feature's routes."""
    app.register_blueprint(bp)


from shop.checkout import api, views  # noqa: F401
