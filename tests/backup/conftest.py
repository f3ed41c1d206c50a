"""Shops to restore into: empty ones, each with a database and a folder of its own."""

from __future__ import annotations

import os
import uuid
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import create_engine, text
from sqlalchemy.engine import make_url

from config import Config
from shop import create_app
from shop.db import Base, db

SERVER = os.environ.get("TEST_DATABASE_URL", "")
MakeShop = Callable[..., Flask]


def all_rows(app: Flask) -> dict[str, list[tuple[Any, ...]]]:
    """Every row of every table, in the order of its keys."""
    with app.app_context(), db.engine.connect() as link:
        tables = Base.metadata.sorted_tables
        return {table.name: [tuple(row) for row in link.execute(table.select().order_by(*table.primary_key))] for table in tables}


@pytest.fixture
def make_shop(config: Config, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[MakeShop]:
    """A shop that has neither tables nor a database yet, on SQLite or on the server of the tests."""
    monkeypatch.delenv(
        "FLASK_RUN_FROM_CLI", raising=False
    )  # commands of other tests leave it: the shop would know its migrations too early
    made: list[Flask] = []

    def make(kind: str = "sqlite", **changes: Any) -> Flask:
        name = f"folder_{uuid.uuid4().hex[:12]}"
        url = f"sqlite:///{tmp_path / name}/shop.db"
        if kind == "postgresql":
            url = make_url(SERVER).set(drivername="postgresql+psycopg", database=name).render_as_string(hide_password=False)
        made.append(create_app(replace(config, database_url=url, instance=tmp_path / name, **changes)))
        return made[-1]

    yield make
    for app in made:
        with app.app_context():
            db.session.remove()
            db.engine.dispose()
            if db.engine.dialect.name == "postgresql":
                drop(app.extensions["config"].database_url)


def drop(url: str) -> None:
    server = create_engine(SERVER, isolation_level="AUTOCOMMIT")
    with server.connect() as link:
        link.execute(text(f'DROP DATABASE IF EXISTS "{make_url(url).database}" WITH (FORCE)'))
    server.dispose()


@pytest.fixture(params=["sqlite", *(["postgresql"] if SERVER else [])])
def empty(request: pytest.FixtureRequest, make_shop: MakeShop) -> Flask:
    """An empty shop on each database that these tests have."""
    return make_shop(request.param)
