"""``flask shop init`` makes what is missing, the database too, and says clearly when it may not."""

from __future__ import annotations

import os
import uuid
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import create_engine, text
from sqlalchemy.engine import URL, make_url

from config import Config
from shop import create_app
from shop.audit.services import run_audit
from shop.clock import now
from shop.db import db
from shop.founding import CannotFound, make_database

SERVER = os.environ.get("TEST_DATABASE_URL", "")
on_postgresql = pytest.mark.skipif(not SERVER, reason="SQLite makes its file by itself; `make unit-pg` runs these")


def test_init_makes_a_whole_shop_out_of_nothing_and_twice_changes_nothing(config: Config, tmp_path: Path):
    found(replace(config, instance=tmp_path, database_url=f"sqlite:///{tmp_path / 'shop.db'}"))


def found(config: Config) -> list[str]:
    app = create_app(config)
    runner = app.test_cli_runner()
    said = [runner.invoke(args=["shop", "init"], catch_exceptions=False).output for _ in range(2)]
    with app.app_context():
        assert run_audit(at=now()).is_clean
    with app.app_context():
        db.session.remove()
        db.engine.dispose()
    assert said[1] == "The shop is set up.\n"
    return said


@pytest.fixture
def missing() -> Iterator[URL]:
    """The address of a PostgreSQL database that is not there."""
    name = f"found_{uuid.uuid4().hex[:12]}"
    yield make_url(SERVER).set(drivername="postgresql+psycopg", database=name)
    tell(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)", f"DROP ROLE IF EXISTS {name}")


def tell(*words: str) -> None:
    server = create_engine(make_url(SERVER).set(drivername="postgresql+psycopg"), isolation_level="AUTOCOMMIT")
    with server.connect() as link:
        for word in words:
            link.execute(text(word))
    server.dispose()


def plain(url: URL) -> str:
    return url.render_as_string(hide_password=False)


@on_postgresql
def test_a_missing_database_is_made(config: Config, tmp_path: Path, missing: URL):
    said = found(replace(config, instance=tmp_path, database_url=plain(missing)))

    assert said[0] == "The database was made and the shop is set up.\n"


@on_postgresql
def test_a_missing_schema_is_made_with_its_database(config: Config, tmp_path: Path, missing: URL):
    found(replace(config, instance=tmp_path, database_url=plain(missing.set(query={"options": "-csearch_path=acme"}))))


@on_postgresql
def test_who_may_make_no_database_is_told_what_its_administrator_says(missing: URL):
    tell(f"CREATE ROLE {missing.database} LOGIN PASSWORD 'not shown'")

    with pytest.raises(CannotFound, match="CREATE DATABASE") as refusal:
        make_database(plain(missing.set(username=missing.database, password="not shown")))

    assert "not shown" not in str(refusal.value)


@on_postgresql
def test_a_database_that_refuses_us_is_not_made_again(missing: URL):
    tell(
        f"CREATE DATABASE {missing.database}",
        f"CREATE ROLE {missing.database} LOGIN",
        f"REVOKE CONNECT ON DATABASE {missing.database} FROM PUBLIC",
    )

    with pytest.raises(CannotFound, match="is there and refuses"):
        make_database(plain(missing.set(username=missing.database)))


def test_a_server_that_does_not_answer_is_told_without_a_password():
    with pytest.raises(CannotFound, match="does the server run") as refusal:
        make_database("postgresql+psycopg://ana:not-shown@127.0.0.1:1/none")

    assert "not-shown" not in str(refusal.value)
