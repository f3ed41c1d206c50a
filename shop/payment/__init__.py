"""Payments: attempts, gateways, what came in.

What is charged is what the order says; an attempt is written before the gateway is asked; nobody is charged twice for one order.
"""

from __future__ import annotations

from flask import Blueprint, Flask

bp = Blueprint("payment", __name__)


def init_app(app: Flask) -> None:
    """Register routes, gateways, consumers and the sweep; tell orders how they can be paid."""
    from shop.payment import gateways, queries, tasks
    from shop.payment.cli import payment_commands
    from shop.payment.views import show_payment
    from shop.web.context import add_context

    app.register_blueprint(bp)
    app.cli.add_command(payment_commands)
    gateways.init_app(app)
    tasks.init_app(app)
    add_context(app, order_payment=show_payment)
    app.extensions["order_pay_url"] = queries.pay_url


from shop.payment import api_staff, views  # noqa: F401
from shop.payment.heard import api as heard_api  # noqa: F401
from shop.payment.transfers import api  # noqa: F401
