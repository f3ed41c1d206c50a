"""A new retailer: its folder, keys of its own, its database or schema with the tables, and somebody who may sign in. All of it, or nothing."""

from __future__ import annotations

import os
import re
import secrets
import shutil
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import quote

from flask import Flask
from sqlalchemy import Engine, create_engine, inspect, text
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import OperationalError, SQLAlchemyError

from config import NAME
from environment import ConfigError
from shop.db import schema_of
from shop.founding import CannotFound, make_database, upgrade_tables
from shop.retailer.folder import Retailer, read_retailer, shared_things, try_retailers
from shop.retailer.visit import visiting


class CannotAdd(Exception):
    """The retailer cannot be made; says why. Nothing of it is left."""


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """A retailer to be made. ``settings`` are lines for its ``.env``; ``database`` is an address, or "" for SQLite in its folder; ``schema`` one in it."""

    name: str
    settings: Mapping[str, str]
    database: str = field(default="", repr=False)
    schema: str = ""


def add_retailer(root: Path, wanted: Wanted, environ: Mapping[str, str], fill: Callable[[Flask], object]) -> Retailer:
    """Make it, call ``fill`` with its shop, whose tables are there and empty, and give it.

    Raises:
        CannotAdd: the name is taken or none, a setting is wrong, another retailer has the same, or the database is not empty or does not answer.
    """
    if not re.fullmatch(NAME, wanted.name):
        raise CannotAdd(f"{wanted.name!r} is no name for a retailer: small letters, digits and -, beginning with a letter, 30 at most")
    with ExitStack() as undo:
        retailer = _make_folder(root, wanted, environ, undo)
        _make_database(retailer.config.database_url, undo)
        with visiting(retailer.config) as shop:
            upgrade_tables()
            fill(shop)
        undo.pop_all()
    return retailer


def _make_folder(root: Path, wanted: Wanted, environ: Mapping[str, str], undo: ExitStack) -> Retailer:
    folder = root / wanted.name
    try:
        folder.mkdir(parents=True)
    except FileExistsError:
        raise CannotAdd(f"{folder} is there already") from None
    undo.callback(shutil.rmtree, folder, ignore_errors=True)
    _write_settings(folder / ".env", _own_settings(wanted))
    try:
        retailer = read_retailer(folder, environ)
    except ConfigError as problem:
        raise CannotAdd(str(problem)) from None
    others = [other for other in try_retailers(root, environ)[0] if other.name != wanted.name]
    if problems := [problem for other in others for problem in shared_things([other, retailer])]:
        raise CannotAdd("\n".join(problems))
    return retailer


def _own_settings(wanted: Wanted) -> dict[str, str]:
    keys = {"SECRET_KEY": secrets.token_hex(32), "TEST_GATEWAY_SECRET": secrets.token_hex(32)}
    url = in_schema(wanted.database, wanted.schema)
    return {**keys, **({"DATABASE_URL": url} if url else {}), **wanted.settings}


def _write_settings(path: Path, settings: Mapping[str, str]) -> None:
    """Readable by its owner alone."""
    lines = [f"{name}={_quoted(value)}\n" for name, value in settings.items()]
    with open(path, "x", encoding="utf-8", opener=lambda name, flags: os.open(name, flags, 0o600)) as file:
        file.write("# What is this retailer's own; see docs/retailers.md. Keep it from everybody else.\n" + "".join(lines))


def _quoted(value: str) -> str:
    """In single quotes a value is taken as it stands."""
    return "'" + value.replace("\\", "\\\\").replace("'", "\\'") + "'"


def in_schema(url: str, schema: str) -> str:
    """The address of a PostgreSQL database, in which names without a schema are looked for in ``schema`` alone.

    Raises:
        CannotAdd: a schema needs PostgreSQL, and a name of small letters, digits and _.
    """
    if not schema:
        return url
    if not url.startswith(("postgres://", "postgresql")):
        raise CannotAdd("a schema is one of a PostgreSQL database; give its address with --database")
    if not re.fullmatch(r"[a-z_][a-z0-9_]{0,62}", schema) or schema.startswith("pg_"):
        raise CannotAdd(f"{schema!r} is no name for a schema: small letters, digits and _")
    return f"{url}{'&' if '?' in url else '?'}options={quote(f'-csearch_path={schema}', safe='')}"


def _make_database(url: str, undo: ExitStack) -> None:
    """The database and schema where they are missing; what was made here goes again when something fails.

    Raises:
        CannotAdd: a shop lives there already, or the server does not answer or allow it.
    """
    parts, schema = make_url(url), schema_of(url)
    try:
        if parts.get_backend_name() == "postgresql":
            _make_postgresql(parts, schema, undo)
        elif parts.database:
            Path(parts.database).parent.mkdir(parents=True, exist_ok=True)
        with _engine(parts) as engine:
            if inspect(engine).get_table_names():
                raise CannotAdd("the database holds tables already; a retailer begins with an empty one")
    except CannotFound as problem:
        raise CannotAdd(str(problem)) from None
    except SQLAlchemyError as problem:
        raise CannotAdd(f"the database cannot be made: {str(getattr(problem, 'orig', problem)).strip()}") from None


def _make_postgresql(parts: URL, schema: str, undo: ExitStack) -> None:
    had_schema = bool(schema) and _has_schema(parts, schema)
    if make_database(parts.render_as_string(hide_password=False)):
        words = f'DROP DATABASE IF EXISTS "{parts.database}" WITH (FORCE)'
        undo.callback(_tell, parts.set(database="postgres", query={}), words)
    elif schema and not had_schema:
        undo.callback(_tell, parts, f'DROP SCHEMA IF EXISTS "{schema}" CASCADE')


def _has_schema(parts: URL, schema: str) -> bool:
    """Was it there before? A database that is missing has none."""
    try:
        with _engine(parts) as engine, engine.connect() as link:
            return link.execute(text("SELECT 1 FROM pg_namespace WHERE nspname = :name"), {"name": schema}).first() is not None
    except OperationalError:
        return False


def _tell(parts: URL, words: str) -> None:
    with _engine(parts) as engine, engine.connect() as link:
        link.execute(text(words))


@contextmanager
def _engine(parts: URL) -> Iterator[Engine]:
    engine = create_engine(parts, isolation_level="AUTOCOMMIT")
    try:
        yield engine
    finally:
        engine.dispose()
