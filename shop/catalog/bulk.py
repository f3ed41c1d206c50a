"""Writing many rows by the driver itself: SQLAlchemy compiles the statement and says how values are stored, once and not for every row."""

from __future__ import annotations

from functools import lru_cache
from operator import itemgetter
from typing import Any

from sqlalchemy import Connection, Dialect, Insert, Table, Update
from sqlalchemy.sql.compiler import SQLCompiler

Rows = list[dict[str, Any]]


def insert_many(link: Connection, table: Table, rows: Rows) -> None:
    """Insert the rows; all have the same columns, and the columns that they do not name get their default."""
    if not rows:
        return
    defaults: dict[str, Any] = {column.name: column.default for column in table.columns if column.default is not None}
    unnamed = {name: default.arg for name, default in defaults.items() if default.is_scalar}
    rows = [{**unnamed, **row} for row in rows]
    _run(link, _compiled_insert(link.dialect, table, tuple(rows[0])), rows)


def update_many(link: Connection, statement: Update, rows: Rows) -> None:
    """Run the statement, which must be one that is kept, for each row of its parameters."""
    if rows:
        _run(link, _compiled(link.dialect, statement), rows)


@lru_cache(maxsize=64)
def _compiled_insert(dialect: Dialect, table: Table, columns: tuple[str, ...]) -> SQLCompiler:
    return table.insert().compile(dialect=dialect, column_keys=list(columns))


@lru_cache(maxsize=16)
def _compiled(dialect: Dialect, statement: Insert | Update) -> SQLCompiler:
    return statement.compile(dialect=dialect)


def _run(link: Connection, compiled: SQLCompiler, rows: Rows) -> None:
    for name, bound in compiled.binds.items():
        store = bound.type.dialect_impl(link.dialect).bind_processor(link.dialect)
        if store is not None:
            known: dict[Any, Any] = {}
            for row in rows:
                value = row[name]
                if value not in known:
                    known[value] = store(value)
                row[name] = known[value]
    if compiled.positional:
        pick = itemgetter(*(compiled.positiontup or ()))
        link.exec_driver_sql(str(compiled), [pick(row) for row in rows])
    else:
        link.exec_driver_sql(str(compiled), rows)
