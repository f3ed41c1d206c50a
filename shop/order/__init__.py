"""Orders: what was agreed, frozen, and what became of it.

An order has three states (agreement, payment, goods), moved by ``services`` along the tables of ``states``; its lines and prices never change.
"""

from __future__ import annotations

from flask import Blueprint, Flask

bp = Blueprint("order", __name__)


def init_app(app: Flask) -> None:
    """Register this feature's routes, mails and consumers, and let every page write addresses."""
    from shop.customer.addresses import address_lines
    from shop.order import messages, tasks
    from shop.web.context import add_context

    app.register_blueprint(bp)
    messages.init_app(app)
    tasks.init_app(app)
    add_context(app, address_lines=address_lines)


from shop.order import api, api_staff, views  # noqa: F401
