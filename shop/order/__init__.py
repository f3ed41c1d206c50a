"""Orders: what was agreed, frozen, and what became of it.

An order has three states (agreement, payment, goods), moved by ``services`` along the tables of ``states``; its lines and prices never change.
"""

from __future__ import annotations

from flask import Blueprint, Flask

bp = Blueprint("order", __name__)


def init_app(app: Flask) -> None:
    """Register this feature's routes, mails and consumers, and let every page write addresses and sums."""
    from shop.customer.addresses import address_lines
    from shop.order import joining, messages, outside, tasks
    from shop.order.returns.states import return_word
    from shop.order.sums import sums_of_order
    from shop.order.withdrawal import messages as receipts
    from shop.web.context import add_context

    app.register_blueprint(bp)
    messages.init_app(app)
    tasks.init_app(app)
    receipts.init_app(app)
    joining.init_app(app)
    outside.init_app(app)
    add_context(app, address_lines=address_lines, sums_of_order=sums_of_order, return_word=return_word)


from shop.order import api, api_staff, views  # noqa: F401
from shop.order.changes import api as changes_api  # noqa: F401
from shop.order.documents import api as documents_api  # noqa: F401
from shop.order.documents import views as documents_views  # noqa: F401
from shop.order.returns import api as returns_api  # noqa: F401
from shop.order.returns import views as returns_views  # noqa: F401
from shop.order.withdrawal import api as withdrawal_api  # noqa: F401
from shop.order.withdrawal import views as withdrawal_views  # noqa: F401
