"""A shop on PostgreSQL, installed as the guide says, behind a real nginx."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest
from sqlalchemy import Engine, create_engine, text
from sqlalchemy.engine import make_url

from config import Config
from shop import create_app
from tests.bench.world import build
from tests.deploy.installation import Installation
from tests.servers import Server, serve_nginx


@pytest.fixture(scope="module")
def database() -> Iterator[str]:
    """The address of an empty PostgreSQL database, dropped afterwards."""
    server = os.environ.get("TEST_DATABASE_URL")
    assert server, "an update is proven on PostgreSQL: `make deploy-drill` starts one, or set TEST_DATABASE_URL"
    name = f"bodega_deploy_{os.getpid()}"
    url = make_url(server).set(drivername="postgresql+psycopg")
    admin = create_engine(url, isolation_level="AUTOCOMMIT")
    with admin.connect() as connection:
        connection.execute(text(f"CREATE DATABASE {name}"))
    yield url.set(database=name, drivername="postgresql").render_as_string(hide_password=False)
    with admin.connect() as connection:
        connection.execute(text(f"DROP DATABASE {name} WITH (FORCE)"))
    admin.dispose()


@pytest.fixture(scope="module")
def installed(database: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    """A hundred goods, sold by release ``a``."""
    installation = Installation(tmp_path_factory.mktemp("srv"), DATABASE_URL=database, WEB_CONCURRENCY="2")
    release = installation.add_release("a")
    installation.point_to(release)
    installation.flask(release, "shop", "init")
    app = create_app(Config.from_env(installation.environ))
    build(app, 100)
    with app.app_context():
        app.extensions["sqlalchemy"].engine.dispose()
    installation.start()
    yield installation
    installation.close()


@pytest.fixture(scope="module")
def nginx(installed: Installation, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with serve_nginx(tmp_path_factory.mktemp("nginx"), installed.instance, installed.door_path) as server:
        yield server


@pytest.fixture(scope="module")
def rows(database: str) -> Iterator[Engine]:
    """The shop's database, for looking at."""
    engine = create_engine(make_url(database).set(drivername="postgresql+psycopg"), isolation_level="AUTOCOMMIT")
    yield engine
    engine.dispose()
