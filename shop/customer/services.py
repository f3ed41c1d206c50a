"""Remembering who buys."""

from __future__ import annotations

from datetime import datetime
from functools import lru_cache
from typing import Any, cast

from sqlalchemy import ColumnElement, ScalarSelect, Table, and_, bindparam, func, select, update

from shop.customer.models import Customer
from shop.db import connection, insert_into, is_sqlite, transaction
from shop.outbox import Happened

customers = cast("Table", Customer.__table__)
COLUMNS = ("user_id", "email", "name", "locale", "created_at")


def remember_customer(*, user_id: int | None, email: str, name: str, locale: str, at: datetime) -> None:
    """Write a customer where none is known for this member, or for this guest's address. One statement.

    Two first orders of one guest at the same moment may make two rows: guests are never merged into one person by what they typed.
    """
    values = {"user_id": user_id, "email": email, "name": name, "locale": locale, "created_at": at}
    with transaction():
        connection().execute(
            _statement(is_member=user_id is not None, is_sqlite=is_sqlite()), {f"customer_{column}": values[column] for column in COLUMNS}
        )


@lru_cache(maxsize=4)
def _statement(*, is_member: bool, is_sqlite: bool) -> Any:  # noqa: ARG001 - one for each kind of database
    """Built once."""
    new = select(*(bindparam(f"customer_{column}", type_=customers.c[column].type) for column in COLUMNS))
    unknown = ~select(customers.c.id).where(_is_them(is_member=is_member)).exists()
    return insert_into(customers).from_select(list(COLUMNS), new.where(unknown)).on_conflict_do_nothing()


def follow_new_email(event: Happened) -> None:
    """The member's account has another address. Orders keep the one they were placed with."""
    with transaction() as session:
        session.execute(update(Customer).where(Customer.user_id == event.payload["user_id"]).values(email=event.payload["new"]))


def customer_id_of(*, is_member: bool) -> ScalarSelect[Any]:
    """The id of that customer, as a part of another statement, which is given ``customer_user_id`` or ``customer_email``."""
    return select(func.min(customers.c.id)).where(_is_them(is_member=is_member)).scalar_subquery()


def _is_them(*, is_member: bool) -> ColumnElement[bool]:
    if is_member:
        return customers.c.user_id == bindparam("customer_user_id", type_=customers.c.user_id.type)
    return and_(customers.c.user_id.is_(None), customers.c.email == bindparam("customer_email", type_=customers.c.email.type))
