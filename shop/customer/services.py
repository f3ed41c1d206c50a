"""Remembering who buys."""

from __future__ import annotations

from datetime import datetime
from typing import Any, cast

from sqlalchemy import ColumnElement, ScalarSelect, Table, and_, func, literal, select

from shop.customer.models import Customer
from shop.db import is_sqlite, transaction

customers = cast("Table", Customer.__table__)


def remember_customer(*, user_id: int | None, email: str, name: str, locale: str, at: datetime) -> None:
    """Write a customer where none is known for this member, or for this guest's address. One statement.

    Two first orders of one guest at the same moment may make two rows: guests are never merged into one person by what they typed.
    """
    from sqlalchemy.dialects import postgresql, sqlite

    make = sqlite.insert if is_sqlite() else postgresql.insert
    columns: dict[str, Any] = {"user_id": user_id, "email": email, "name": name, "locale": locale, "created_at": at}
    new = select(*(literal(value, customers.c[column].type) for column, value in columns.items()))
    unknown = ~select(customers.c.id).where(_is_them(user_id, email)).exists()
    with transaction() as session:
        session.execute(make(customers).from_select(list(columns), new.where(unknown)).on_conflict_do_nothing())


def customer_id_of(*, user_id: int | None, email: str) -> ScalarSelect[Any]:
    """The id of that customer, as a part of another statement."""
    return select(func.min(customers.c.id)).where(_is_them(user_id, email)).scalar_subquery()


def _is_them(user_id: int | None, email: str) -> ColumnElement[bool]:
    if user_id is not None:
        return customers.c.user_id == user_id
    return and_(customers.c.user_id.is_(None), customers.c.email == email)
