"""The verbs by which staff write customers down and correct them."""

from __future__ import annotations

from datetime import datetime

from flask_babel import gettext as _
from sqlalchemy import insert, select, update

from shop.customer.models import Customer
from shop.db import transaction
from shop.errors import Conflict, NotFound
from shop.trail.services import note_change


def create_customer(*, email: str, name: str, locale: str, at: datetime) -> int:
    """A customer without an account, such as somebody on the phone; gives the id.

    Raises:
        Conflict: a customer with this address is known.
    """
    with transaction() as session:
        known = session.execute(select(Customer.id).where(Customer.email == email).limit(1)).scalar()
        if known is not None:
            raise Conflict(_("A customer with this address is known."), id=known)
        values = {"email": email, "name": name, "locale": locale, "created_at": at}
        customer_id = int(session.execute(insert(Customer).values(**values).returning(Customer.id)).scalar_one())
        note_change(f"customer:{customer_id}", {}, {"made": True}, at=at)
    return customer_id


def change_customer(customer_id: int, *, name: str, locale: str, at: datetime) -> None:
    """Another name or language. The trail keeps that they were changed, not what they were.

    Raises:
        NotFound: there is no such customer.
    """
    with transaction() as session:
        changed = session.execute(
            update(Customer).where(Customer.id == customer_id).values(name=name, locale=locale).returning(Customer.id)
        )
        if changed.scalar() is None:
            raise NotFound(_("There is no such customer."))
        note_change(f"customer:{customer_id}", {}, {"changed": ["name", "locale"]}, at=at)
