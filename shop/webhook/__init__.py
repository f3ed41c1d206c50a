"""Webhooks: what happens in the shop, told to the addresses that staff enter, signed, in order per subject, tried again and logged.

Each address is a consumer of its own in the outbox (a guest, see ``shop.outbox.welcome``), so that one that is away delays nobody else. What is said
stands in ``shop.outbox.envelope``; how it is signed in ``signing``; where nothing is ever sent to in ``addresses``; how it is sent in ``sending``.
"""

from __future__ import annotations

from datetime import timedelta

from flask import Blueprint, Flask

from shop.outbox import subscribe, welcome
from shop.outbox.periodic import every

bp = Blueprint("webhook", __name__)


def init_app(app: Flask) -> None:
    """Register routes, the guests of the outbox, the word to staff, and the task that forgets."""
    from shop.webhook.delivering import tell
    from shop.webhook.messages import tell_staff
    from shop.webhook.queries import ROLL
    from shop.webhook.services import forget_attempts

    app.register_blueprint(bp)
    welcome(app, "webhook", ROLL, tell)
    subscribe(app, "webhook.switched_off", "mail.webhook_switched_off", tell_staff)
    every(app, timedelta(days=1), "webhook.forget", forget_attempts)


from shop.webhook import api  # noqa: F401
