"""What payments do when something happened elsewhere, and once a minute."""

from __future__ import annotations

from datetime import timedelta

from flask import Flask

from shop.clock import now
from shop.outbox import Happened, subscribe
from shop.outbox.periodic import every
from shop.payment.models import State
from shop.payment.queries import list_attempts
from shop.payment.refunds import refund_rest
from shop.payment.services import close_open_attempts, sweep_payments


def init_app(app: Flask) -> None:
    subscribe(app, "order.canceled", "payment.refund_canceled", refund_canceled)
    subscribe(app, "payment.refund_due", "payment.refund_due", refund_due)
    every(app, timedelta(minutes=1), "payment.sweep", sweep_payments)


def refund_canceled(event: Happened) -> None:
    """An order was canceled: close what is open at the gateways, give back what was paid."""
    order_id = event.payload["order_id"]
    close_open_attempts(order_id, at=now())
    for attempt in list_attempts(order_id):
        if attempt.state is State.CAPTURED:
            refund_rest(attempt.id, reason="canceled", by="shop", at=now())


def refund_due(event: Happened) -> None:
    """Money came in that no order waits for."""
    refund_rest(event.payload["payment_id"], reason="too_much", by="shop", at=now())
