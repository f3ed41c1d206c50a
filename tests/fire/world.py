"""A shop of one test: an instance folder, tables on SQLite or in a PostgreSQL database of its own, and goods to sell."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from flask import Flask
from sqlalchemy import create_engine, text
from sqlalchemy.engine import make_url
from sqlalchemy.pool import NullPool

from config import Config
from shop import create_app, enable_migrations
from shop.db import db
from tests.bench.load import children
from tests.factories import make_product
from tests.servers import Server, serve_shop, settings

PATIENCE_S = 60


@dataclass
class World:
    """Where the shop lives and what it sells; ``goods`` are variants by name."""

    instance: Path
    environ: dict[str, str]
    goods: dict[str, int]
    app: Flask = field(repr=False)

    @property
    def database_url(self) -> str:
        return self.environ["DATABASE_URL"]


@contextmanager
def database(folder: Path, name: str) -> Iterator[str]:
    """The URL of an empty database: a file, or one on the server that TEST_DATABASE_URL names."""
    server = os.environ.get("TEST_DATABASE_URL")
    if not server:
        yield f"sqlite:///{folder / 'shop.db'}"
        return
    made = f"bodega_fire_{name}_{os.getpid()}"
    url = make_url(server).set(drivername="postgresql+psycopg")
    admin = create_engine(url, isolation_level="AUTOCOMMIT", poolclass=NullPool)  # the server may have crashed meanwhile
    with admin.connect() as connection:
        connection.execute(text(f"DROP DATABASE IF EXISTS {made} WITH (FORCE)"))
        connection.execute(text(f"CREATE DATABASE {made}"))
    try:
        yield url.set(database=made, drivername="postgresql").render_as_string(hide_password=False)
    finally:
        with admin.connect() as connection:
            connection.execute(text(f"DROP DATABASE {made} WITH (FORCE)"))


@contextmanager
def world(folder: Path, name: str, stocks: Mapping[str, int], **changes: str) -> Iterator[World]:
    """A shop with these goods (name → pieces). ``app`` looks into its tables from the test's own process, and delivers nothing."""
    with database(folder, name) as url:
        yield from _made(folder, url, stocks, changes)


def _made(folder: Path, url: str, stocks: Mapping[str, int], changes: Mapping[str, str]) -> Iterator[World]:
    environ = settings(folder, DATABASE_URL=url, **changes)
    app = create_app(Config.from_env({**environ, "SHOP_COURIER": "0"}, testing=True))
    enable_migrations(app)
    with app.app_context():
        from flask_migrate import upgrade

        upgrade()
        app.test_cli_runner().invoke(args=["shop", "init"], catch_exceptions=False)
        goods = {good: make_product(good, stock=pieces).variant_id for good, pieces in stocks.items()}
        db.session.remove()
        db.engine.dispose()
    try:
        yield World(folder, environ, goods, app)
    finally:
        with app.app_context():
            db.session.remove()
            db.engine.dispose()


@contextmanager
def serving(made: World, **changes: str) -> Iterator[Server]:
    """The shop under gunicorn, as it is deployed."""
    with serve_shop(made.instance, **{**made.environ, "WEB_CONCURRENCY": "4", **changes}) as server:
        yield server


def kill_a_worker(server: Server, place: int = 0) -> bool:
    """SIGKILL one of gunicorn's workers; False while there is none."""
    workers = children(server.process.pid)
    if not workers:
        return False
    os.kill(workers[place % len(workers)], signal.SIGKILL)
    return True


def wait_until(is_so: object, *, seconds: float = PATIENCE_S) -> bool:
    """Look again and again until it is so; False when it never was."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        if is_so():  # type: ignore[operator]
            return True
        time.sleep(0.1)
    return False
