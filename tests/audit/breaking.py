"""Breaking the data by hand: raw SQL past services, hooks, triggers and constraints, in a transaction that is never committed."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from sqlalchemy import text

from shop.audit.services import Report, run_audit
from shop.db import connection, is_sqlite, transaction
from tests.factories import NOON


class Undo(Exception):
    """Ends the transaction without a trace."""


def loosen(*tables: str) -> None:
    """Put a copy without constraints, triggers and keys in the place of each table, until the transaction is undone."""
    for table in tables:
        connection().execute(text(f"ALTER TABLE {table} RENAME TO {table}_kept"))
        connection().execute(text(f"CREATE TABLE {table} AS SELECT * FROM {table}_kept"))


@contextmanager
def broken(statements: Sequence[str], *tables: str) -> Iterator[None]:
    """The shop with ``statements`` done to loosened ``tables``; afterwards nothing has happened."""
    try:
        with transaction():
            if is_sqlite():
                connection().execute(text("PRAGMA legacy_alter_table = ON"))
            loosen(*tables)
            for statement in statements:
                assert connection().execute(text(statement)).rowcount != 0, f"nothing was broken by {statement}"
            yield
            raise Undo
    except Undo:
        pass


def audit() -> Report:
    return run_audit(at=NOON)


def broken_rules(report: Report) -> set[str]:
    return {result.rule for result in report.broken}
