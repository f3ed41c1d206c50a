"""The cart: of a guest by cookie, of a member on every device.

It changes, the order freezes. A cart never breaks: whatever became of its goods, it opens and says so. ``quotes`` is the one door to what it costs,
``services`` hold its verbs, ``current`` knows whose it is.
"""

from __future__ import annotations

from flask import Blueprint, Flask

from shop.auth.signals import user_logged_in
from shop.web.context import add_context
from shop.web.frame import show_in_frame

bp = Blueprint("cart", __name__)


def init_app(app: Flask) -> None:
    """Register this feature's routes; let every page say how full the cart is, and carts join at log-in."""
    app.register_blueprint(bp)
    add_context(app, cart_count=current.cart_count, sums_of_quote=sums.sums_of_quote)
    show_in_frame(app, current.cart_count)
    user_logged_in.connect(current.join_carts, app)


from shop.cart import api, current, sums, views  # noqa: F401
