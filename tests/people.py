"""People for tests: ``make_user(email=…, role="staff")``, ``log_in(client, …)``.

These push an application context of their own for as long as they need it: one that stayed open would be shared by all requests of a test, and
with it who was logged in. ``from tests.people import the_shop`` in a conftest makes them work.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import nullcontext
from datetime import datetime
from functools import wraps
from typing import Any, ParamSpec, TypeVar

import pytest
from flask import Flask, has_app_context
from flask.testing import FlaskClient
from sqlalchemy import insert
from werkzeug.test import TestResponse

from shop import db
from shop.auth.models import User
from shop.auth.passwords import hash_password
from tests.factories import NOON
from tests.mailbox import letters_to

P = ParamSpec("P")
T = TypeVar("T")
PASSWORD = "four quiet winter apples"
_hashes: dict[str, str] = {}
_shops: list[Flask] = []


@pytest.fixture(autouse=True)
def the_shop(app: Flask) -> Flask:
    """The shop whose people these are."""
    _shops[:] = [app]
    return app


def inside(act: Callable[P, T]) -> Callable[P, T]:
    """``act`` with an application context of its own, unless one is open."""

    @wraps(act)
    def wrapped(*args: P.args, **kwargs: P.kwargs) -> T:
        with nullcontext() if has_app_context() else _shops[0].app_context():
            return act(*args, **kwargs)

    return wrapped


rows = inside(db.rows)
row = inside(db.row)


@inside
def change(statement: Any) -> None:
    """Write something that no service does."""
    with db.transaction() as session:
        session.execute(statement)


@inside
def make_user(
    email: str = "ana@example.com",
    *,
    name: str = "Ana",
    password: str | None = PASSWORD,
    role: str = "customer",
    locked_at: datetime | None = None,
    verified_at: datetime | None = NOON,
    at: datetime = NOON,
) -> int:
    """Somebody who can log in; gives the id."""
    hashed = None if password is None else _hashes.setdefault(password, hash_password(password))
    values = {"email": email, "name": name, "password_hash": hashed, "role": role, "locale": "en", "created_at": at, "version": 1}
    with db.transaction() as session:
        return session.execute(
            insert(User).values(**values, locked_at=locked_at, email_verified_at=verified_at).returning(User.id)
        ).scalar_one()


def log_in(
    client: FlaskClient, email: str = "ana@example.com", password: str = PASSWORD, *, remember: bool = False, **kwargs: object
) -> TestResponse:
    """Log in on the page, as a person would; ``remember`` ticks the box that keeps them logged in."""
    ticked = {"is_remembered": "y"} if remember else {}
    return client.post("/login", data={"email": email, "password": password, **ticked}, **kwargs)


def register(client: FlaskClient, email: str = "lucia@example.com", *, name: str = "Lucía", prefix: str = "", **more: str) -> TestResponse:
    """Register on the page, open the link in the mail, and press the button; gives the last answer."""
    asked = client.post(f"{prefix}/register", data={"name": name, "email": email, "password": PASSWORD, **more})
    assert asked.status_code == 303, asked.text
    client.get(letters_to(client.application, email)[-1].path)
    return client.post("/register/confirmation")
