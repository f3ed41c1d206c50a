"""One shop per test process; every test begins with its tables as `flask shop init` leaves them.

SQLite by default (a file copied per test, never in memory); PostgreSQL with TEST_DATABASE_URL naming a server on which a database may be made.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import hypothesis
import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import create_engine, event, text
from sqlalchemy.engine import make_url

from config import Config
from shop import create_app, enable_migrations
from shop.db import Base, db
from tests.servers import Server, amazon_environ, serve_amazon

hypothesis.settings.register_profile("shop", deadline=None)  # a busy machine is no fault of the shop
if hypothesis.settings.get_current_profile_name() in {"default", "ci"}:
    hypothesis.settings.load_profile("shop")

SECRET = "a secret for tests only, which is long enough"


@pytest.fixture(scope="session")
def db_url(tmp_path_factory: pytest.TempPathFactory, worker_id: str) -> Iterator[str]:
    """The database of this test process, dropped at the end."""
    server = os.environ.get("TEST_DATABASE_URL")
    if not server:
        folder = Path("/dev/shm") if Path("/dev/shm").is_dir() else tmp_path_factory.mktemp("db")
        path = folder / f"bodega-{os.getpid()}-{worker_id}.db"
        yield f"sqlite:///{path}"
        for leftover in folder.glob(f"{path.name}*"):
            leftover.unlink()
        return
    name = f"bodega_test_{os.getpid()}_{worker_id}"
    url = make_url(server).set(drivername="postgresql+psycopg")
    admin = create_engine(url, isolation_level="AUTOCOMMIT")
    with admin.connect() as connection:
        connection.execute(text(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)"))
        connection.execute(text(f"CREATE DATABASE {name}"))
    yield url.set(database=name).render_as_string(hide_password=False)
    with admin.connect() as connection:
        connection.execute(text(f"DROP DATABASE {name} WITH (FORCE)"))
    admin.dispose()


@pytest.fixture(scope="session")
def worker_id() -> str:
    return os.environ.get("PYTEST_XDIST_WORKER", "main")


@pytest.fixture(scope="session")
def config(db_url: str, tmp_path_factory: pytest.TempPathFactory) -> Config:
    """The settings of the shop under test: English and Spanish, euros, in Spain."""
    instance = tmp_path_factory.mktemp("instance")
    environ = {"SHOP_INSTANCE": str(instance), "DATABASE_URL": db_url, "SECRET_KEY": SECRET, "SHOP_COURIER": "0"}
    return Config.from_env(environ, testing=True)


@pytest.fixture(scope="session")
def shop_app(config: Config) -> Iterator[Flask]:
    """The application, its tables made by the migrations and filled as `flask shop init` does."""
    from flask_migrate import upgrade

    app = create_app(config)
    enable_migrations(app)
    with app.app_context():
        upgrade()
        app.test_cli_runner().invoke(args=["shop", "init"], catch_exceptions=False)
        db.engine.dispose()
    if db_path := _sqlite_path(config):
        shutil.copy(db_path, f"{db_path}.template")
    else:
        with app.app_context():
            app.extensions["test_template"] = _dump(app)
    yield app
    with app.app_context():
        db.engine.dispose()


@pytest.fixture
def app(shop_app: Flask, config: Config) -> Flask:
    """The application with fresh tables."""
    start_afresh(shop_app, config)
    return shop_app


def start_afresh(shop_app: Flask, config: Config) -> None:
    """Put the tables back to what `flask shop init` left."""
    with shop_app.app_context():
        db.session.remove()
        if db_path := _sqlite_path(config):
            db.engine.dispose()
            for suffix in ("-wal", "-shm"):
                Path(f"{db_path}{suffix}").unlink(missing_ok=True)
            shutil.copy(f"{db_path}.template", db_path)
        else:
            _restore(shop_app)
    shop_app.extensions["kept"].look_again()
    shop_app.extensions["cache"].forget()


@pytest.fixture
def another_app(app: Flask, config: Config) -> Iterator[Callable[[], Flask]]:
    """Makes further applications on the same tables, for what must not outlive a test; closes their connections."""
    made: list[Flask] = []

    def make() -> Flask:
        made.append(create_app(config))
        return made[-1]

    yield make
    for own in made:
        with own.app_context():
            db.engine.dispose()


@pytest.fixture
def context(app: Flask) -> Iterator[Flask]:
    """The application with a context pushed, for tests that call services and queries."""
    with app.app_context():
        yield app


@pytest.fixture
def statements(app: Flask) -> Iterator[list[str]]:
    """The statements that the shop sends to its database, in order; ``statements.clear()`` starts anew."""
    sent: list[str] = []

    def note(_connection: object, _cursor: object, statement: str, *_: object) -> None:
        if not statement.startswith(("BEGIN", "SELECT versions.")):  # versions are looked at once a second, whatever the page
            sent.append(statement)

    with app.app_context():
        engine = db.engine
    event.listen(engine, "before_cursor_execute", note)
    yield sent
    event.remove(engine, "before_cursor_execute", note)


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    """A visitor's browser without JavaScript: it keeps cookies."""
    return app.test_client()


@pytest.fixture(scope="session")
def amazon_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """One local Amazon for the whole test process, started when the first test asks for it."""
    with serve_amazon(tmp_path_factory.mktemp("amazon")) as server:
        yield server


@pytest.fixture
def amazon(amazon_server: Server, monkeypatch: pytest.MonkeyPatch) -> Server:
    """A local Amazon that holds nothing yet; boto3 finds it by its own settings."""
    for name, value in amazon_environ(amazon_server.url).items():
        monkeypatch.setenv(name, value)
    amazon_server.ask("POST", "/moto-api/reset", headers={"Content-Length": "0"})
    return amazon_server


def _sqlite_path(config: Config) -> str:
    return config.database_url.removeprefix("sqlite:///") if config.database_url.startswith("sqlite") else ""


def _dump(app: Flask) -> list[tuple[str, list[dict[str, object]]]]:
    """What the template holds, as rows by table; there are few."""
    with db.engine.connect() as connection:
        return [(table.name, [dict(row._mapping) for row in connection.execute(table.select())]) for table in Base.metadata.sorted_tables]


def _restore(app: Flask) -> None:
    with db.engine.begin() as connection:
        connection.execute(text("SET session_replication_role = replica"))
        connection.execute(text("; ".join(f"DELETE FROM {table.name}" for table in Base.metadata.sorted_tables)))
        for name, rows in app.extensions["test_template"]:
            if rows:
                connection.execute(Base.metadata.tables[name].insert(), rows)
        connection.execute(text("SET session_replication_role = DEFAULT"))
