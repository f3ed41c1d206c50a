"""Two retailers that differ in all that can differ, behind one door: acme (euros, English and Spanish) and beta (yen, Spanish alone).

With TEST_DATABASE_URL both live in schemas of one database, else each has a file.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import create_engine, text
from sqlalchemy.engine import make_url
from werkzeug.test import TestResponse

from shop.retailer.adding import Wanted, add_retailer
from shop.retailer.cli import run_in
from shop.retailer.door import make_door, shops_behind
from shop.retailer.folder import read_retailers

PROCESS = {"SHOP_COURIER": "0"}
ACME = {"SHOP_URL": "http://acme.example", "SHOP_CURRENCY": "EUR", "SHOP_LOCALES": "en,es"}
BETA = {
    "SHOP_URL": "http://beta.example",
    "SHOP_CURRENCY": "JPY",
    "SHOP_COUNTRY": "JP",
    "SHOP_LOCALES": "es",
    "SHOP_TIMEZONE": "Asia/Tokyo",
}
THEME = {"acme": "h1 { color: #a11 }", "beta": "h1 { color: #b22 }"}


class Visitor(FlaskClient):
    """A browser that comes under one host."""

    host = ""

    def open(self, *args: Any, **kwargs: Any) -> TestResponse:
        return super().open(*args, **{"base_url": f"http://{self.host}", "buffered": True, **kwargs})


@dataclass
class Arcade:
    """Several retailers and the door to them."""

    root: Path
    door: Flask
    shops: dict[str, Flask]

    def visitor(self, name: str) -> Visitor:
        """Somebody's browser, which comes through the door under the host of that retailer."""
        client = Visitor(self.door, self.door.response_class)
        client.host = f"{name}.example"
        return client


@pytest.fixture(scope="session", autouse=True)
def closed_eyes() -> Iterator[None]:
    """The log of the test's process is pytest's."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("shop.observe.process.open_eyes", lambda _config: None)
        yield


@pytest.fixture(scope="session")
def database(worker_id: str) -> Iterator[Callable[[str], dict[str, str]]]:
    """What says where a retailer of this name keeps its data."""
    server = os.environ.get("TEST_DATABASE_URL")
    if not server:
        yield lambda _name: {}
        return
    name = f"bodega_retailers_{os.getpid()}_{worker_id}"
    url = make_url(server).set(drivername="postgresql", database=name).render_as_string(hide_password=False)
    yield lambda schema: {"database": url, "schema": schema}
    engine = create_engine(make_url(server).set(drivername="postgresql+psycopg"), isolation_level="AUTOCOMMIT")
    with engine.connect() as link:
        link.execute(text(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)"))
    engine.dispose()


@pytest.fixture(scope="session")
def arcade(tmp_path_factory: pytest.TempPathFactory, database: Callable[[str], dict[str, str]]) -> Iterator[Arcade]:
    """Both, open for the whole run."""
    root = tmp_path_factory.mktemp("retailers")
    for name, settings in (("acme", ACME), ("beta", BETA)):
        add_retailer(root, Wanted(name=name, settings=settings, **database(name)), PROCESS, lambda shop: run_in(shop, ["shop", "init"]))
        css = root / name / "instance" / "theme" / "static" / "css"
        css.mkdir(parents=True)
        (css / "theme.css").write_text(THEME[name])
    door = make_door(lambda: read_retailers(root, PROCESS))
    shops = {shop.extensions["config"].name: shop for shop in shops_behind(door)}
    yield Arcade(root, door, shops)
    for shop in shops.values():
        with shop.app_context():
            shop.extensions["sqlalchemy"].engine.dispose()
