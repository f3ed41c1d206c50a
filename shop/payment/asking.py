"""How an attempt is put to its gateway, and how long that may take."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from flask import current_app
from sqlalchemy import Row

from shop.order.links import order_key
from shop.payment.gateways.base import Asked
from shop.web.locale import path_in

CALLS = 4  # a request makes so many calls of a gateway at most, each with the time limit of the settings


def margin() -> timedelta:
    """A younger attempt may still be in flight: whoever mends leaves it alone."""
    return timedelta(seconds=CALLS * int(current_app.extensions["config"].payment_timeout_s))


def asked_of(attempt: Row[Any]) -> Asked:
    """Always the same words for the same attempt: gateways refuse a key that comes with others."""
    back = path_in(attempt.locale, f"/orders/{attempt.number}/payments/return?key={order_key(attempt.number)}")
    return Asked(
        key=attempt.key,
        number=attempt.number,
        amount_minor=attempt.amount_minor,
        currency=attempt.currency,
        locale=attempt.locale,
        return_url=back,
        notify_url=f"/payments/webhooks/{attempt.gateway}",
        begun_at=attempt.created_at,
        reference=attempt.reference,
    )
