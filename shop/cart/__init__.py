"""The cart: of a guest by cookie, of a member on every device."""

from __future__ import annotations

from flask import Blueprint, Flask

from shop.cart import current
from shop.web.context import add_context

bp = Blueprint("cart", __name__)


def init_app(app: Flask) -> None:
    """Register this feature's routes, and let every page say how full the visitor's cart is."""
    app.register_blueprint(bp)
    add_context(app, cart_count=current.cart_count)
