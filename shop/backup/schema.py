"""Which revision the tables have, and bringing a database file to another one. Nothing here changes the shop's own database."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from pathlib import Path

from flask import Flask, current_app
from sqlalchemy import Connection, inspect, text

import shop
from config import Config
from shop.backup import BackupProblem
from shop.db import db
from shop.founding import upgrade_tables

CreateApp = Callable[[Config], Flask]


def known_revisions() -> list[str]:
    """All revisions that this code knows, the newest first."""
    from alembic.script import ScriptDirectory

    return [script.revision for script in ScriptDirectory(str(shop.MIGRATIONS)).walk_revisions()]


def revision_of(link: Connection) -> str:
    """The revision of the shop's tables, or "" where there are none."""
    if not inspect(link).has_table("alembic_version"):
        return ""
    return str(link.execute(text("SELECT version_num FROM alembic_version")).scalar() or "")


def revision_of_file(path: Path) -> str:
    """The same for a database file.

    Raises:
        BackupProblem: it is no database of a shop.
    """
    try:
        with closing(sqlite3.connect(path)) as link:
            found = link.execute("SELECT version_num FROM alembic_version").fetchone()
    except sqlite3.Error:
        found = None
    if not found:
        raise BackupProblem("The database in the backup is none of a shop.")
    return str(found[0])


def refuse_unknown(revision: str) -> None:
    """Raises BackupProblem unless this code knows the revision."""
    if revision not in known_revisions():
        raise BackupProblem(
            f"The tables have the revision {revision!r}, which this version of the shop does not know: a newer one made them. Use that one, or a newer one."
        )


def upgrade_file(path: Path, folder: Path, create_app: CreateApp, revision: str = "head") -> None:
    """Bring a database file (an empty one too) to a revision by the shop's own migrations; afterwards it is one plain file again.

    ``folder`` takes what a shop writes beside its database.
    """
    config = current_app.extensions["config"]
    beside = replace(config, database_url=f"sqlite:///{path}", instance=folder, mail_url=f"file://{folder / 'mail'}", courier=False)
    scratch = create_app(beside)
    with scratch.app_context():
        try:
            upgrade_tables(revision)
        finally:
            db.session.remove()
            db.engine.dispose()
    make_plain(path)


def make_plain(path: Path) -> None:
    """No log beside the file: all of it in one."""
    with closing(sqlite3.connect(path, isolation_level=None)) as link:
        link.execute("PRAGMA journal_mode=DELETE")


def tables_of_file(link: sqlite3.Connection) -> list[str]:
    """The names of the shop's tables in a database file; the note of its revision is none of them."""
    found = link.execute(
        "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%' AND name <> 'alembic_version' ORDER BY name"
    )
    return [str(name) for (name,) in found]


def count_rows(link: sqlite3.Connection) -> dict[str, int]:
    """How many rows each table of a database file has."""
    return {name: int(link.execute(f'SELECT count(*) FROM "{name}"').fetchone()[0]) for name in tables_of_file(link)}  # noqa: S608 - its own names
