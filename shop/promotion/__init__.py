"""What the shop offers beside its prices: promotions and their codes, who may use them, and how often they were used.

How a promotion counts is pure and stands in ``shop.pricing.promotions``. Here are its tables (``models``), the memory of what holds (``offers``), the
guard of its limits (``uses``), and the pages of staff. A limit is never overrun, whoever is faster; a code never fails without saying why.
"""

from __future__ import annotations

import os

from flask import Blueprint, Flask

bp = Blueprint("promotion", __name__)


def init_app(app: Flask) -> None:
    """Register this feature's routes and commands."""
    app.register_blueprint(bp)
    if os.environ.get("FLASK_RUN_FROM_CLI") or app.testing:
        from shop.promotion.cli import promotion_commands

        app.cli.add_command(promotion_commands)


from shop.promotion import api_staff  # noqa: F401
