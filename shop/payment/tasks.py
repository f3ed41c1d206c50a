"""What payments do when something happened elsewhere, and several times a minute."""

from __future__ import annotations

import logging
from datetime import datetime, timedelta

from flask import Flask

from shop.clock import now
from shop.errors import N_
from shop.order.credits import press_of
from shop.order.models import OrderState
from shop.order.outside import tell_of_order
from shop.outbox import Happened, subscribe
from shop.outbox.envelope import Told, publish
from shop.outbox.periodic import every
from shop.payment.expiry import expire_unpaid
from shop.payment.inbox import sweep_messages
from shop.payment.models import State
from shop.payment.queries import list_attempts
from shop.payment.refunds import give_credit, refund_rest, sweep_refunds, tell_short
from shop.payment.services import close_open_attempts, sweep_payments

log = logging.getLogger(__name__)

PAUSE = timedelta(seconds=15)


def init_app(app: Flask) -> None:
    subscribe(app, "order.canceled", "payment.refund_canceled", refund_canceled)
    subscribe(app, "payment.refund_due", "payment.refund_due", refund_due)
    subscribe(app, "order.credit_due", "payment.give_credit", credit_due)
    publish(app, "payment.disputed", tell_of_dispute, says=N_("The customer's bank contests a payment, or decided: `dispute` says which."))
    every(app, PAUSE, "payment.sweep", sweep)
    every(app, timedelta(minutes=1), "payment.expire", expire_unpaid)


def tell_of_dispute(event: Happened) -> Told | None:
    """The order and how its dispute stands, for the world outside."""
    return tell_of_order(event, dispute={"state": event.payload["state"], "reference": event.payload["reference"]})


def sweep(at: datetime) -> int:
    """Everything that waits for a gateway's word: attempts, refunds, messages. Gives how many were looked after."""
    return sweep_messages(at) + sweep_payments(at) + sweep_refunds(at)


def refund_canceled(event: Happened) -> None:
    """An order was canceled: close what is open at the gateways, give back what was paid. One that was opened again meanwhile keeps its money."""
    order_id = event.payload["order_id"]
    attempts = list_attempts(order_id)
    if attempts and attempts[0].order_state is not OrderState.CANCELED:
        return
    close_open_attempts(order_id, at=now())
    for attempt in list_attempts(order_id):
        if attempt.state is State.CAPTURED and attempt.order_state is OrderState.CANCELED:
            refund_rest(attempt.id, reason="canceled", by="shop", at=now())


def credit_due(event: Happened) -> None:
    """A return was received or an order became cheaper: so much of what was paid goes back."""
    told = event.payload
    press = press_of(told["credit_id"])
    left = give_credit(told["order_id"], told["amount_minor"], press=press, reason=told["reason"], by=told["by"], at=now())
    if left:
        log.error("of a credit for %s, %s could not be given back: not so much was left", told["number"], left)
        tell_short(told["order_id"], left, at=now())


def refund_due(event: Happened) -> None:
    """Money came in that no order waits for."""
    refund_rest(event.payload["payment_id"], reason="too_much", by="shop", at=now())
