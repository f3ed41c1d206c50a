"""Orders that somebody placed as a guest join the account, once it is shown that its address is theirs."""

from __future__ import annotations

from flask import Flask
from sqlalchemy import select, update

from shop.auth.queries import find_verified_email
from shop.customer.models import Customer
from shop.db import transaction
from shop.order.models import Order
from shop.outbox import Happened, subscribe


def init_app(app: Flask) -> None:
    subscribe(app, "user.verified", "order.join_guest_orders", join_guest_orders)


def join_guest_orders(event: Happened) -> None:
    """Every order of nobody that was placed with the verified address becomes this member's. Called twice it changes nothing more."""
    user_id = event.payload["user_id"]
    email = find_verified_email(user_id)
    if not email:
        return
    customer_id = select(Customer.id).where(Customer.user_id == user_id).scalar_subquery()
    with transaction() as session:
        session.execute(update(Order).where(Order.user_id.is_(None), Order.email == email).values(user_id=user_id, customer_id=customer_id))
