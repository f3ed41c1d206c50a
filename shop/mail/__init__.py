"""One sender of mails; the messages themselves live with their feature (``order/messages.py``)."""

from __future__ import annotations

from flask import Blueprint, Flask

from shop.mail.senders import make_sender
from shop.outbox import subscribe

bp = Blueprint("mail", __name__)


def init_app(app: Flask) -> None:
    """Choose the sender by ``MAIL_URL``; in development every mail can be read at ``/dev/mail``."""
    from shop.mail import sealed
    from shop.mail.services import send_queued

    config = app.extensions["config"]
    app.extensions["mail"] = make_sender(config.mail_url, config.mail_from, config.base_url, config.amazon)
    sealed.init_app(app)
    subscribe(app, "mail.queued", "mail.send", send_queued)
    if not config.is_production:
        app.register_blueprint(bp)


from shop.mail import views  # noqa: F401
