"""The receipt of a withdrawal, by mail: the durable medium."""

from __future__ import annotations

from flask import Flask

from shop.mail.services import queue_mail
from shop.order.withdrawal.queries import get_withdrawal_by_id
from shop.outbox import Happened, subscribe


def init_app(app: Flask) -> None:
    subscribe(app, "withdrawal.declared", "mail.withdrawal.declared", write_receipt)


def write_receipt(event: Happened) -> None:
    """What was declared, and when, to the address that was given."""
    found = get_withdrawal_by_id(event.payload["withdrawal_id"])
    queue_mail(
        cause=f"{event.id}:withdrawal.declared",
        recipient=found.email,
        locale=found.locale,
        template="order/mail/withdrawal",
        about=f"order:{found.order_id}" if found.order_id else event.subject,
        at=event.at,
        context={"found": found},
    )
