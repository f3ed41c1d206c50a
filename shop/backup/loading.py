"""A database file becomes the shop's database, in one transaction: all of it, or nothing."""

from __future__ import annotations

import os
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

from flask import current_app
from sqlalchemy import Connection, inspect, text
from sqlalchemy.engine import make_url
from sqlalchemy.exc import OperationalError

from shop.backup import BackupProblem
from shop.backup.schema import known_revisions, revision_of, tables_of_file
from shop.backup.snapshot import quoted
from shop.db import Base, db
from shop.founding import make_database, upgrade_tables

LONGEST_WAIT_S = 60
# What `flask shop init` and a shop that nobody uses write by themselves: rows here make no shop that could be lost.
SET_UP = {
    "audit_runs",
    "delivery_areas",
    "delivery_zones",
    "idempotency_keys",
    "login_tries",
    "periodic_tasks",
    "settings",
    "shipping_method_texts",
    "shipping_methods",
    "shipping_rates",
    "shipping_steps",
    "tax_rates",
    "versions",
}


def what_is_there() -> list[str]:
    """The tables of this shop with rows that people made; none in an empty shop, or where there is no database yet."""
    url = make_url(current_app.extensions["config"].database_url)
    if url.get_backend_name() == "sqlite" and not Path(str(url.database)).exists():
        return []
    make_database(str(url.render_as_string(hide_password=False)))
    with db.engine.connect() as link:
        there = set(inspect(link).get_table_names())
        tables = [table.name for table in Base.metadata.sorted_tables if table.name in there and table.name not in SET_UP]
        return sorted(name for name in tables if link.execute(text(f'SELECT 1 FROM "{name}" LIMIT 1')).first())  # noqa: S608 - names of models


def load_file(path: Path) -> None:
    """Put the file, which has the newest revision, in the place of all that is there. Whoever reads or writes meanwhile waits.

    Raises:
        BackupProblem: the tables that are there are of another revision.
    """
    if db.engine.dialect.name == "sqlite":
        _load_pages(path)
        return
    with db.engine.connect() as link:
        found = revision_of(link)
    if not found:
        upgrade_tables()
    elif found != known_revisions()[0]:
        raise BackupProblem(f"The shop's own tables have the revision {found}. Run `flask db upgrade` first.")
    with db.engine.connect() as link, closing(sqlite3.connect(path)) as file:
        try:
            _load_rows(link, file)
        except OperationalError as problem:
            raise BackupProblem(f"The database did not let go of its tables: {problem.orig}. Stop the shop and try again.") from problem
        link.commit()


def _load_pages(path: Path) -> None:
    """SQLite writes all pages in one transaction into the file that is there; who has it open sees the new shop afterwards."""
    target = Path(str(make_url(current_app.extensions["config"].database_url).database))
    db.engine.dispose()
    target.parent.mkdir(parents=True, exist_ok=True)
    os.close(os.open(target, os.O_WRONLY | os.O_CREAT, 0o600))
    with closing(sqlite3.connect(path)) as file, closing(sqlite3.connect(target, isolation_level=None)) as link:
        link.execute("PRAGMA journal_mode=WAL")
        link.execute("PRAGMA synchronous=FULL")
        link.execute("PRAGMA busy_timeout=10000")
        file.backup(link, pages=-1)
        link.execute("PRAGMA journal_mode=WAL")


def _load_rows(link: Connection, file: sqlite3.Connection) -> None:
    """Rows through COPY, parents first. Tables whose rows never change are told to let go for this one transaction: it takes their owner to say so."""
    tables = [table.name for table in Base.metadata.sorted_tables]
    if set(tables) != set(tables_of_file(file)):
        raise BackupProblem("The tables of the backup are not those of this shop.")
    link.execute(text(f"SET LOCAL lock_timeout = '{LONGEST_WAIT_S}s'"))
    link.execute(text("SET LOCAL TIME ZONE 'UTC'"))
    for name in tables:
        link.execute(text(f'ALTER TABLE "{name}" DISABLE TRIGGER USER'))
    link.execute(text(f"TRUNCATE {', '.join(quoted(tables))}"))
    driver: Any = link.connection.driver_connection
    for name in tables:
        columns = [str(found[1]) for found in file.execute(f'PRAGMA table_info("{name}")')]
        listed = ", ".join(quoted(columns))
        with driver.cursor() as cursor, cursor.copy(f'COPY "{name}" ({listed}) FROM STDIN') as copy:
            for row in file.execute(f'SELECT {listed} FROM "{name}"'):  # noqa: S608 - names of models
                copy.write_row(row)
        _set_counter(link, name)
    for name in tables:
        link.execute(text(f'ALTER TABLE "{name}" ENABLE TRIGGER USER'))


def _set_counter(link: Connection, table: str) -> None:
    """The next row gets a number above those that are there."""
    keys = [column.name for column in Base.metadata.tables[table].primary_key]
    counter = link.execute(text("SELECT pg_get_serial_sequence(:table, :key)"), {"table": f'"{table}"', "key": keys[0]}).scalar()
    if counter:
        newest = link.execute(text(f'SELECT coalesce(max("{keys[0]}"), 0) + 1 FROM "{table}"')).scalar_one()  # noqa: S608 - names of models
        link.execute(text("SELECT setval(:counter, :newest, false)"), {"counter": counter, "newest": newest})
