"""The shop's database at one moment, as a SQLite file, while people buy.

SQLite copies itself page by page within one read transaction. PostgreSQL is read within one REPEATABLE READ transaction, table by table through COPY,
into a file that the shop's own migrations made at the same revision. Neither makes a buyer wait.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from itertools import islice
from pathlib import Path
from typing import Any

from flask import current_app
from sqlalchemy import Connection, text
from sqlalchemy.engine import make_url

from shop.backup import BackupProblem
from shop.backup.schema import CreateApp, make_plain, refuse_unknown, revision_of, revision_of_file, tables_of_file, upgrade_file
from shop.db import db

PAGES_AT_ONCE = 8192
ROWS_AT_ONCE = 2000
COLUMNS = text(
    "SELECT table_name, column_name, data_type FROM information_schema.columns WHERE table_schema = current_schema() ORDER BY table_name, ordinal_position"
)
# How PostgreSQL writes what SQLite keeps as text or as 0 and 1; everything else is the same word on both.
WRITTEN = {
    "timestamp with time zone": "to_char({0} AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI:SS.US')",
    "boolean": "{0}::int",
    "date": "to_char({0}, 'YYYY-MM-DD')",
}


def take_snapshot(target: Path, folder: Path, create_app: CreateApp) -> str:
    """Write the file ``target``, which must not be there; gives the revision of its tables. ``folder`` is a scratch folder.

    Raises:
        BackupProblem: there are no tables yet, or a newer shop made them.
    """
    with db.engine.connect() as link:
        revision = revision_of(link)
    if not revision:
        raise BackupProblem("This shop has no tables yet: there is nothing to back up. `flask shop init` makes them.")
    refuse_unknown(revision)
    if db.engine.dialect.name == "sqlite":
        copy_pages(Path(str(make_url(current_app.extensions["config"].database_url).database)), target)
        return revision_of_file(target)
    upgrade_file(target, folder, create_app, revision)
    with db.engine.connect().execution_options(isolation_level="REPEATABLE READ") as link, closing(open_quick(target)) as file:
        link.execute(text("SET TRANSACTION READ ONLY"))
        copy_rows(link, file)
        link.rollback()
    return revision


def copy_pages(source: Path, target: Path) -> None:
    """SQLite's own copy of itself. The read transaction around it keeps it to one moment, however many steps it takes and whoever writes."""
    with closing(sqlite3.connect(source, isolation_level=None)) as link, closing(open_quick(target)) as file:
        link.execute("BEGIN")
        link.execute("SELECT count(*) FROM sqlite_master").fetchone()
        link.backup(file, pages=PAGES_AT_ONCE)
    make_plain(target)


def open_quick(path: Path) -> sqlite3.Connection:
    """A file that nobody misses before it is finished: written without care for a power cut."""
    link = sqlite3.connect(path, isolation_level=None)
    for words in ("journal_mode=OFF", "synchronous=OFF", "foreign_keys=OFF", "cache_size=-16000"):
        link.execute(f"PRAGMA {words}")
    return link


def copy_rows(link: Connection, file: sqlite3.Connection) -> None:
    """All rows of the shop's tables from PostgreSQL into the file, whose tables are there and empty.

    Raises:
        BackupProblem: a table is missing or has other columns than its revision says.
    """
    columns = columns_of(link)
    for table in tables_of_file(file):
        names = [str(found[1]) for found in file.execute(f'PRAGMA table_info("{table}")')]
        kinds = columns.get(table, {})
        if set(names) != set(kinds):
            raise BackupProblem(f"The table {table} is not as its revision says; look with `flask shop doctor`.")
        chosen = ", ".join(WRITTEN.get(kinds[name], "{0}").format(f'"{name}"') for name in names)
        keys = ", ".join(f'"{found[1]}"' for found in file.execute(f'PRAGMA table_info("{table}")') if found[5])
        places = ", ".join("?" * len(names))
        file.execute("BEGIN")
        for rows in _pieces(link, f'COPY (SELECT {chosen} FROM "{table}" ORDER BY {keys}) TO STDOUT'):  # noqa: S608 - names from the catalogs
            file.executemany(f'INSERT INTO "{table}" ({", ".join(quoted(names))}) VALUES ({places})', rows)  # noqa: S608 - see above
        file.execute("COMMIT")


def columns_of(link: Connection) -> dict[str, dict[str, str]]:
    """The columns of each table of the shop in PostgreSQL, with their types."""
    found: dict[str, dict[str, str]] = {}
    for table, column, kind in link.execute(COLUMNS):
        found.setdefault(table, {})[column] = kind
    return found


def _pieces(link: Connection, words: str) -> Iterator[list[Any]]:
    """The rows of a COPY, some thousand at a time. All values are texts; STRICT tables make numbers of those in number columns, or refuse."""
    driver: Any = link.connection.driver_connection
    with driver.cursor() as cursor, cursor.copy(words) as copy:
        rows = copy.rows()
        while piece := list(islice(rows, ROWS_AT_ONCE)):
            yield piece


def quoted(names: list[str]) -> list[str]:
    """Names as both databases read them, whatever words they are."""
    return [f'"{name}"' for name in names]
