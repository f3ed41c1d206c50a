"""The mail to the shop when an address was switched off."""

from __future__ import annotations

from flask import current_app

from shop.mail.services import queue_mail
from shop.outbox import Happened


def tell_staff(event: Happened) -> None:
    """One mail to the shop's own address: which address, why, and where to switch it on again."""
    config = current_app.extensions["config"]
    queue_mail(
        cause=f"{event.id}:webhook.switched_off",
        recipient=config.mail_from,
        locale=config.locales[0],
        template="webhook/mail/switched_off",
        about=event.subject,
        at=event.at,
        context={**event.payload, "link": f"{config.base_url}/admin/webhooks/{event.payload['endpoint_id']}"},
    )
