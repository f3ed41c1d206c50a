"""The schema: every rule has a name, and the migrations build exactly what the models say, up and down, on both databases."""

from __future__ import annotations

import os
import re
import sqlite3
import subprocess
import sys
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa

from tests.architecture.rules import ROOT

FlaskDb = Callable[..., str]
TEST_DATABASE_URL = os.environ.get("TEST_DATABASE_URL", "")
UNNAMED = re.compile(r"(?<!\w)(CHECK|UNIQUE|FOREIGN KEY|REFERENCES)\s*[( ]")


@pytest.fixture
def sqlite_url(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path / 'shop.db'}"


@pytest.fixture
def postgresql_url() -> Iterator[str]:
    assert TEST_DATABASE_URL, "run me by `make architecture`, or set TEST_DATABASE_URL: the schema must be proven on PostgreSQL too"
    server = sa.create_engine(TEST_DATABASE_URL, isolation_level="AUTOCOMMIT", poolclass=sa.NullPool)
    name = f"architecture_{uuid.uuid4().hex[:12]}"
    with server.connect() as connection:
        connection.exec_driver_sql(f"CREATE DATABASE {name}")
    yield server.url.set(database=name).render_as_string(hide_password=False)
    with server.connect() as connection:
        connection.exec_driver_sql(f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest) -> str:
    return str(request.getfixturevalue(f"{request.param}_url"))


@pytest.fixture
def flask_db(url: str, tmp_path: Path) -> FlaskDb:
    def run(*words: str) -> str:
        environ = {**os.environ, "DATABASE_URL": url, "SHOP_INSTANCE": str(tmp_path), "SHOP_ENV": "development"}
        command = [sys.executable, "-m", "flask", "--app", "wsgi", "db", *words]
        result = subprocess.run(command, cwd=ROOT, env=environ, capture_output=True, text=True, check=False)
        assert result.returncode == 0, result.stdout + result.stderr
        return result.stdout + result.stderr

    return run


def test_migrations_build_what_the_models_say_and_go_all_the_way_back(flask_db: FlaskDb, url: str) -> None:
    flask_db("upgrade")
    flask_db("check")
    built = describe(url)

    flask_db("downgrade", "base")
    assert describe(url) == {"alembic_version"} or describe(url) == set()

    flask_db("upgrade")
    assert describe(url) == built


def describe(url: str) -> set[str]:
    """Tables, columns, indexes and constraints in words."""
    engine = sa.create_engine(url, poolclass=sa.NullPool)
    inspector = sa.inspect(engine)
    words: set[str] = set()
    for table in inspector.get_table_names():
        words.add(table)
        words |= (
            {f"{table}.{column['name']} {column['type']} {column['nullable']}" for column in inspector.get_columns(table)}
            if table != "alembic_version"
            else set()
        )
        words |= {f"{table} index {index['name']}" for index in inspector.get_indexes(table)}
        words |= {f"{table} check {check['name']}" for check in inspector.get_check_constraints(table)}
        words |= {f"{table} key {key['name']}" for key in inspector.get_foreign_keys(table)}
    return {word for word in words if not word.startswith("alembic_version ")}


def test_every_constraint_in_the_database_has_a_name(flask_db: FlaskDb, url: str) -> None:
    flask_db("upgrade")

    assert unnamed(url) == []


def unnamed(url: str) -> list[str]:
    """On SQLite what stands in CREATE TABLE; PostgreSQL would invent names, which give themselves away: no model knows them."""
    engine = sa.create_engine(url, poolclass=sa.NullPool)
    if engine.dialect.name == "sqlite":
        with sqlite3.connect(str(engine.url.database)) as connection:
            tables = connection.execute("SELECT name, sql FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'alembic%'").fetchall()
        return [f"{name}: {problem}" for name, statement in tables for problem in unnamed_in(statement)]
    inspector = sa.inspect(engine)
    import shop.tables  # noqa: F401
    from shop.db import Base

    known = {str(c.name) for table in Base.metadata.tables.values() for c in table.constraints}
    found = {
        str(constraint["name"])
        for table in inspector.get_table_names()
        if table in Base.metadata.tables
        for constraint in [
            inspector.get_pk_constraint(table),
            *inspector.get_check_constraints(table),
            *inspector.get_unique_constraints(table),
            *inspector.get_foreign_keys(table),
        ]
    }
    return sorted(found - known)


def unnamed_in(statement: str) -> list[str]:
    """The rules in a CREATE TABLE that no CONSTRAINT name precedes."""
    without_named = re.sub(r'CONSTRAINT\s+("[^"]+"|\w+)\s+(CHECK|UNIQUE|FOREIGN KEY\s*\([^)]*\)\s*REFERENCES|PRIMARY KEY)', "", statement)
    without_texts = re.sub(r"'[^']*'", "''", without_named)
    return [match[0].strip() for match in UNNAMED.finditer(without_texts)]


def test_a_constraint_without_a_name_is_found() -> None:
    planted = "CREATE TABLE t (a INTEGER NOT NULL, CONSTRAINT ck_t_a CHECK (a > 0), CHECK (a < 9), UNIQUE (a), b INTEGER REFERENCES u (id))"

    assert unnamed_in(planted) == ["CHECK (", "UNIQUE (", "REFERENCES"]


def test_no_number_in_the_database_is_a_float_but_measures_of_goods() -> None:
    import shop.tables  # noqa: F401
    from shop.db import Base

    columns = [column for table in Base.metadata.tables.values() for column in table.columns]

    floats = {str(column) for column in columns if isinstance(column.type, sa.Float | sa.Numeric)}

    assert columns
    assert floats <= {"product_attributes.number"}  # a lamp's 4.5 W: compared in filters, never reckoned with
