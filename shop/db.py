"""The database: base class and types of tables, reading, and the one way to write.

Reads: ``rows`` and ``row`` run a statement built once with ``bindparam`` and give named tuples. Writes: ``with transaction()``, in services only.
What does not live here: any table (they stand in the ``models`` of their feature).
"""

from __future__ import annotations

import logging
import re
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

from flask import Flask, current_app, g, has_app_context
from flask_sqlalchemy import SQLAlchemy
from sqlalchemy import (
    BigInteger,
    Boolean,
    ClauseElement,
    Connection,
    Date,
    DateTime,
    Dialect,
    Double,
    Engine,
    Enum,
    Executable,
    MetaData,
    Row,
    String,
    Table,
    Text,
    event,
    literal_column,
)
from sqlalchemy.engine import make_url
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.orm import DeclarativeBase, ORMExecuteState, Session, registry
from sqlalchemy.schema import CreateIndex, CreateTable
from sqlalchemy.types import JSON, TypeDecorator

log = logging.getLogger(__name__)

MAX_INT = 2**63 - 1
NAMES = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_name)s_%(referred_table_name)s",
    "pk": "pk_%(table_name)s",
}


class UtcDateTime(TypeDecorator[datetime]):
    """An aware moment in UTC. A naive one is refused: it would mean something else on every machine."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("a moment without a time zone")
        return value.astimezone(UTC).replace(tzinfo=None) if dialect.name == "sqlite" else value.astimezone(UTC)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:  # noqa: ARG002
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


class Base(DeclarativeBase):
    """Every table derives from this; its registry says how Python types become columns."""

    registry = registry(
        metadata=MetaData(naming_convention=NAMES),
        type_annotation_map={
            int: BigInteger(),
            str: Text(),
            datetime: UtcDateTime(),
            bool: Boolean(),
            dict[str, Any]: JSON(),
            list[int]: JSON(),
            list[str]: JSON(),
        },
    )


def choice(enum: type[StrEnum], name: str) -> Enum:
    """A column of words: text with a named CHECK, lower-case, the same on both databases."""
    return Enum(
        enum,
        name=name,
        native_enum=False,
        create_constraint=True,
        values_callable=lambda kind: [member.value for member in kind],
        length=32,
    )


for _kind, _sqlite_name in (
    (String, "TEXT"),
    (Text, "TEXT"),
    (Enum, "TEXT"),
    (DateTime, "TEXT"),
    (Date, "TEXT"),
    (JSON, "TEXT"),
    (Boolean, "INTEGER"),
    (BigInteger, "INTEGER"),
    (Double, "REAL"),
):
    compiles(_kind, "sqlite")(lambda _type, _compiler, _name=_sqlite_name, **_kw: _name)


@compiles(CreateTable, "sqlite")
def _create_strict_table(element: CreateTable, compiler: Any, **kw: Any) -> str:
    """STRICT tables on SQLite: a text never enters a number's column."""
    element.element.dialect_options["sqlite"]["strict"] = True
    return str(compiler.visit_create_table(element, **kw))


@compiles(CreateIndex, "postgresql")
def _create_partial_index(element: CreateIndex, compiler: Any, **kw: Any) -> str:
    """``sqlite_where`` of an index is meant for both databases; ``postgresql_where`` would load the words of PostgreSQL (3 MB) everywhere."""
    options = element.element.dialect_options
    if options["postgresql"]["where"] is None:
        options["postgresql"]["where"] = options["sqlite"]["where"]
    return str(compiler.visit_create_index(element, **kw))


db = SQLAlchemy(model_class=Base, disable_autonaming=True, session_options={"expire_on_commit": False})


def init_app(app: Flask) -> None:
    """Bind the engine of this application and teach its connections how to read and write."""
    db.init_app(app)
    app.teardown_appcontext(_close_reader)
    with app.app_context():
        engine = db.engine
    if engine.dialect.name == "sqlite":
        event.listen(engine, "connect", _connect_sqlite)
        event.listen(engine, "begin", _begin_sqlite)


def _connect_sqlite(connection: sqlite3.Connection, _record: object) -> None:
    connection.isolation_level = None
    for pragma in (
        "journal_mode=WAL",
        "synchronous=FULL",
        "foreign_keys=ON",
        "busy_timeout=10000",
        "cache_size=-1000",  # per connection, one for each thread; the system keeps the file in memory anyway
        "temp_store=MEMORY",
    ):
        connection.execute(f"PRAGMA {pragma}")
    connection.create_function("casefold", 1, lambda text: None if text is None else str(text).casefold(), deterministic=True)


def _begin_sqlite(connection: Connection) -> None:
    """Writers queue from their first statement on; readers never wait for them; single reads need no transaction at all."""
    options = connection.get_execution_options()
    if options.get("writes"):
        connection.exec_driver_sql("BEGIN IMMEDIATE")
    elif not options.get("autocommit"):
        connection.exec_driver_sql("BEGIN")


# Reading


def rows(statement: Executable, **params: Any) -> Sequence[Row[Any]]:
    """All rows, as named tuples. Inside ``transaction()`` it reads in that transaction, else each statement by itself."""
    return connection().execute(statement, params).all()


def row(statement: Executable, **params: Any) -> Row[Any] | None:
    """The first row or None; see ``rows``."""
    return connection().execute(statement, params).first()


def scalar(statement: Executable, **params: Any) -> Any:
    """The first column of the first row, or None; see ``rows``."""
    return connection().execute(statement, params).scalar()


class Prepared:
    """A large statement whose SQL is written once per kind of database and handed to the driver as it is.

    SQLAlchemy finds a compiled statement by the hash of all its parts; for a union of a dozen selects that takes longer than running it.
    Results come as the driver gives them: cast numbers and texts, and pass moments through ``as_moment``. No lists as parameters.
    """

    def __init__(self, statement: ClauseElement) -> None:
        self.statement = statement
        self.written: dict[str, tuple[str, Any, dict[str, Any]]] = {}

    def rows(self, **params: Any) -> Sequence[Row[Any]]:
        """See ``rows``."""
        reader = connection()
        compiled, sql, processors = self._write(reader.dialect)
        values = compiled.construct_params(params)
        for name, process in processors.items():
            values[name] = process(values[name])
        given = values if compiled.positiontup is None else tuple([values[name] for name in compiled.positiontup])
        return reader.exec_driver_sql(sql, given).all()

    def _write(self, dialect: Dialect) -> tuple[Any, str, dict[str, Any]]:
        known: Any = self.written.get(dialect.name)
        if known is None:
            compiled: Any = self.statement.compile(dialect=dialect)
            processors = {name: bind.type.dialect_impl(dialect).bind_processor(dialect) for name, bind in compiled.binds.items()}
            known = compiled, str(compiled), {name: process for name, process in processors.items() if process}
            self.written[dialect.name] = known
        return known


def as_moment(value: Any) -> datetime:
    """A moment as the driver gave it: a text of SQLite, or a datetime."""
    moment = datetime.fromisoformat(value) if isinstance(value, str) else value
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)


def in_words(value: int | str) -> Any:
    """A constant that stands in the SQL itself. PostgreSQL plans a statement anew each time while the length of its list is a parameter."""
    return literal_column(str(value) if isinstance(value, int) else f"'{value}'", BigInteger() if isinstance(value, int) else Text())


def connection() -> Connection:
    """The connection that reads: the open transaction's, or one of this request that commits by itself."""
    if in_transaction():
        link: Connection = db.session().info["unit"]["link"]
        return link
    if "reader" not in g:
        g.reader = _reading(db.engine)
    reader: Connection = g.reader
    return reader


def _reading(engine: Engine) -> Connection:
    if engine.dialect.name == "sqlite":
        return engine.connect().execution_options(autocommit=True)
    return engine.connect().execution_options(isolation_level="AUTOCOMMIT")


def _close_reader(_error: BaseException | None = None) -> None:
    reader = g.pop("reader", None)
    if reader is not None:
        reader.close()


# Writing


def in_transaction() -> bool:
    """Is a ``transaction()`` open here?"""
    return has_app_context() and db.session.registry.has() and "unit" in db.session().info


@contextmanager
def transaction(*, is_aside: bool = False) -> Iterator[Session]:
    """The one way to write. The outermost block commits, inner blocks join it; any failure undoes everything.

    It ends the read unit first, so that what a verb decides on is read afresh. Objects loaded before it are read again: services take ids.
    ``is_aside``: bookkeeping of the machine beside what somebody does, such as when a device was last seen; see ``before_commit``.
    """
    session = db.session()
    unit = session.info.get("unit")
    if unit is None:
        with _outermost(session, is_aside=is_aside):
            yield session
        return
    try:
        yield session
    except BaseException:
        unit["failed"] = True
        raise


@contextmanager
def _outermost(session: Session, *, is_aside: bool) -> Iterator[None]:
    unit: dict[str, Any] = {"failed": False, "after": [], "notes": []}
    session.rollback()
    _close_reader()  # one connection at a time: who held one and waited for another could starve the pool
    session.info["unit"] = unit
    try:
        unit["link"] = session.connection(execution_options={"writes": True})
        yield
        if unit["failed"]:
            raise RuntimeError("an inner failure was swallowed; nothing is committed")
        for act in () if is_aside else current_app.extensions.get("before_commit", ()):
            act()
        session.commit()
        g.commits = g.get("commits", 0) + 1
    except BaseException:
        session.rollback()
        raise
    finally:
        session.info.pop("unit", None)
    for act in unit["after"]:
        _attempt(act)


def insert_missing(model: type[Base], *values: dict[str, Any]) -> int:
    """Insert the rows whose key is not there yet; gives how many were. Only inside ``transaction()``."""
    key = next(iter(model.__table__.primary_key))
    written = insert_into(model).values(list(values)).on_conflict_do_nothing()
    return len(db.session().execute(written.returning(key)).all())  # PostgreSQL counts no rows of an INSERT by itself


def insert_into(table: type[Base] | Table) -> Any:
    """An INSERT that knows ``on_conflict_…``, in the words of this shop's database: the words of the other one (3 MB) are not loaded."""
    if is_sqlite():
        from sqlalchemy.dialects.sqlite import insert
    else:
        from sqlalchemy.dialects.postgresql import insert  # type: ignore[assignment]
    return insert(table)


def before_commit(app: Flask, act: Callable[[], object]) -> None:
    """Run ``act`` at the end of every transaction of this shop, in it, unless it is aside."""
    app.extensions.setdefault("before_commit", []).append(act)


def notes() -> list[Any]:
    """What was said of the open transaction, for those who act before its commit; gone with it when it fails."""
    noted: list[Any] = db.session().info["unit"]["notes"]
    return noted


def after_commit(act: Callable[[], object]) -> None:
    """Run ``act`` once the transaction is committed. It may be lost (a crash): what must not be lost is an event in the outbox."""
    db.session().info["unit"]["after"].append(act)


def _attempt(act: Callable[[], object]) -> None:
    try:
        act()
    except Exception:
        log.exception("an act after the commit failed")


@event.listens_for(Session, "before_flush")
def _flush_only_in_services(session: Session, *_: object) -> None:
    if "unit" not in session.info:
        raise RuntimeError("write outside transaction()")


@event.listens_for(Session, "do_orm_execute")
def _write_only_in_services(state: ORMExecuteState) -> None:
    if (state.is_insert or state.is_update or state.is_delete) and "unit" not in state.session.info:
        raise RuntimeError("write outside transaction()")


def schema_of(url: str) -> str:
    """The schema of an address such as ``postgresql://…/shops?options=-csearch_path%3Dacme``; "" where it names none."""
    options = make_url(url).query.get("options", "")
    found = re.search(r"-c\s*search_path=([a-z_][a-z0-9_]*)", options if isinstance(options, str) else " ".join(options))
    return found[1] if found else ""


def is_sqlite() -> bool:
    """Does this application keep its data in SQLite?"""
    return current_app.extensions["sqlalchemy"].engine.dialect.name == "sqlite"
