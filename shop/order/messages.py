"""The mails that an order sends: one per thing that happens to it, in the language in which it was placed.

Each is a consumer of one event; ``queue_mail`` makes sure that the same event never writes twice.
"""

from __future__ import annotations

from dataclasses import dataclass

from flask import Flask, current_app
from flask_babel import gettext as _

from shop.customer.addresses import address_lines
from shop.mail.services import queue_mail
from shop.money import Money, format_money
from shop.order.links import order_url
from shop.order.queries import OrderView, ParcelView, get_order_by_id
from shop.order.returns.queries import get_return
from shop.outbox import Happened, subscribe
from shop.web.locale import speaking


@dataclass(frozen=True, slots=True)
class Message:
    """Which event writes which mail (``templates/order/mail/<name>.*``)."""

    event: str
    name: str


MESSAGES = (
    Message("order.placed", "placed"),
    Message("order.paid", "paid"),
    Message("order.packed", "packed"),
    Message("order.shipped", "shipped"),
    Message("order.canceled", "canceled"),
    Message("order.expired", "expired"),
    Message("order.refunded", "refunded"),
    Message("order.partly_refunded", "refunded"),
    Message("order.edited", "edited"),
    Message("order.message", "message"),
    Message("order.return_asked", "return"),
    Message("order.return_approved", "return"),
    Message("order.return_refused", "return"),
    Message("order.return_received", "return"),
)


def init_app(app: Flask) -> None:
    """Subscribe a writer for each message."""
    for message in MESSAGES:
        subscribe(app, message.event, f"mail.{message.event}", _Writer(message))


class _Writer:
    """Writes one kind of message."""

    def __init__(self, message: Message) -> None:
        self.message = message

    def __call__(self, event: Happened) -> None:
        order = get_order_by_id(event.payload["order_id"])
        if self.message.name == "packed" and not order.is_pickup:
            return  # who waits for a parcel hears of it when it leaves
        name = "paid_too_late" if self.message.name == "paid" and order.is_canceled else self.message.name
        queue_mail(
            cause=f"{event.id}:{self.message.event}",
            recipient=order.email,
            locale=order.locale,
            template=f"order/mail/{name}",
            about=event.subject,
            at=event.at,
            context={
                "order": order,
                "link": order_url(order.number, order.locale),
                "bank_account": current_app.extensions["config"].bank_account,
                "was_paid": bool(event.payload.get("was_paid")),
                "parcel": _parcel(order, event),
                "words": str(event.payload.get("note", "")),
                "difference": Money(int(event.payload.get("difference_minor", 0)), order.total.currency),
                "verb": event.kind.partition(".")[2],
                "returned": get_return(order, event.payload["place"]) if "return_id" in event.payload else None,
                "next_step": _next_step(order),
                "goes_to": address_lines(order.shipping_address, order.locale) if order.shipping_address else [],
            },
        )


def _next_step(order: OrderView) -> str:
    """What happens next, in one sentence in the customer's language."""
    with speaking(order.locale):
        if order.is_paid and order.is_pickup:
            return _("It is paid. We write again when it is ready to collect.")
        if order.is_paid:
            return _("It is paid. We write again when it leaves.")
        if order.payment_method == "bank_transfer":
            return _("We start as soon as your transfer of %(total)s is here.", total=format_money(order.total, order.locale))
        return _("We start as soon as your payment is confirmed. If you did not finish paying, you can do so from your order's page.")


def _parcel(order: OrderView, event: Happened) -> ParcelView | None:
    """The parcel that this event speaks of."""
    return next((parcel for parcel in order.parcels if parcel.id == event.payload.get("shipment_id")), None)
