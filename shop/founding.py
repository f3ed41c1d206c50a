"""What a shop stands on: its database, its tables, its first rows. Each step looks first; doing it again changes nothing."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime

from flask import current_app
from sqlalchemy import Connection, create_engine, text
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import DBAPIError, OperationalError, ProgrammingError

from shop import enable_migrations
from shop.db import schema_of
from shop.pricing.services import set_up_pricing
from shop.settings.services import set_up_settings

PATIENCE_S = 10
USUAL_PORT = 5432
DUPLICATE = "42P04"
FRONT_ROOMS = ("postgres", "template1")  # the databases that every PostgreSQL server has


class CannotFound(Exception):
    """The shop's database is not there and could not be made; the message says why and what to do."""


def found_shop(*, at: datetime) -> bool:
    """Make the database if it is missing, bring its tables up to date, write what a new shop needs. Gives whether a database was made.

    Raises:
        CannotFound: there is no database, and this user may make none, or the server does not answer.
    """
    is_new = make_database(current_app.extensions["config"].database_url)
    upgrade_tables()
    set_up(at=at)
    return is_new


def set_up(*, at: datetime) -> None:
    """Every feature's share of a new shop."""
    set_up_settings()
    set_up_pricing(at=at)


def upgrade_tables(revision: str = "head") -> None:
    """Run the migrations up to ``revision``."""
    from flask_migrate import upgrade

    if "migrate" not in current_app.extensions:
        enable_migrations(current_app)
    upgrade(revision=revision)


def make_database(database_url: str) -> bool:
    """Make the PostgreSQL database that is named, if it is missing; SQLite makes its file by itself. Gives whether one was made.

    Raises:
        CannotFound: see ``found_shop``.
    """
    url = make_url(database_url)
    if url.get_backend_name() == "sqlite":
        return False
    try:
        with _visit(url) as link:
            _make_schema(link, schema_of(database_url))
            return False
    except OperationalError as refusal:
        is_new = _make_missing(url, refusal)
    with _visit(url) as link:
        _make_schema(link, schema_of(database_url))
    return is_new


def _make_missing(url: URL, refusal: OperationalError) -> bool:
    """Another room of the server is asked whether the database exists: what a refused connection says is in the server's language."""
    where = f"{url.host or 'this machine'}:{url.port or USUAL_PORT}"
    for room in FRONT_ROOMS:
        try:
            with _visit(url.set(database=room, query={})) as link:
                if link.execute(text("SELECT 1 FROM pg_database WHERE datname = :name"), {"name": url.database}).first():
                    raise CannotFound(f"The database {url.database} at {where} is there and refuses {url.username}: {_first_line(refusal)}")
                return _create(link, url, where)
        except OperationalError:
            continue
    raise CannotFound(
        f"PostgreSQL at {where} does not let the shop in: {_first_line(refusal)}. Is DATABASE_URL right, and does the server run?"
    )


def _create(link: Connection, url: URL, where: str) -> bool:
    name, owner = (link.dialect.identifier_preparer.quote_identifier(str(word)) for word in (url.database, url.username))
    try:
        link.execute(text(f"CREATE DATABASE {name} ENCODING 'UTF8' TEMPLATE template0"))
    except ProgrammingError as refusal:
        if getattr(refusal.orig, "sqlstate", "") == DUPLICATE:  # somebody else was faster
            return False
        raise CannotFound(
            f"There is no database {url.database} at {where}, and {url.username} may not make one ({_first_line(refusal)}). "
            f"Have its administrator say: CREATE DATABASE {name} OWNER {owner} ENCODING 'UTF8' TEMPLATE template0;"
        ) from None
    return True


def _make_schema(link: Connection, schema: str) -> None:
    """The schema that the address names, where several shops share a database."""
    if schema and not link.execute(text("SELECT 1 FROM pg_namespace WHERE nspname = :name"), {"name": schema}).first():
        link.execute(text(f'CREATE SCHEMA "{schema}"'))


@contextmanager
def _visit(url: URL) -> Iterator[Connection]:
    engine = create_engine(url, isolation_level="AUTOCOMMIT", connect_args={"connect_timeout": PATIENCE_S})
    try:
        with engine.connect() as link:
            yield link
    finally:
        engine.dispose()


def _first_line(problem: DBAPIError) -> str:
    return (str(problem.orig).strip().splitlines() or ["no reason given"])[0]
