"""What a process of the shop loads before it shows its first pages: nothing that only few requests need.

The rule: a library that serves one act (paying, a document, a picture, a mail, logging in elsewhere, an import) is imported inside the function that
begins this act, in one module of the feature that owns it, and nowhere at module level; types come in under ``if TYPE_CHECKING``. A new library is
refused here without a word in this file. One that nearly every page needs goes into ``WANTED``, with the megabytes that it costs in the commit's message.

An index with a condition says ``sqlite_where`` alone, which is meant for both databases (``shop.db``): ``postgresql_where`` loads that dialect.
"""

from __future__ import annotations

import json
import subprocess
import sys

import pytest
from flask import Flask

from config import Config
from tests.architecture.rules import ROOT
from tests.factories import make_category, make_product
from tests.servers import settings

WANTED = {
    *("flask", "werkzeug", "jinja2", "markupsafe", "click", "itsdangerous", "blinker"),
    *("sqlalchemy", "flask_sqlalchemy", "typing_extensions", "greenlet"),
    *("flask_login", "flask_wtf", "wtforms", "marshmallow"),
    *("flask_babel", "babel", "pytz"),
    "dotenv",
}
WANTED_ON_POSTGRESQL = {"psycopg", "psycopg_binary"}
# Of Python's own library and of what is wanted: parts that weigh much and that no page needs.
UNWANTED = {"smtplib", "email.policy", "email.headerregistry", "xml", "multiprocessing", "unittest", "sqlalchemy.ext.asyncio"}
UNWANTED_ON_SQLITE = {"sqlalchemy.dialects.postgresql"}

PROGRAM = """
import json, sys
from shop import create_app
app = create_app()
seen = {"create_app()": sorted(sys.modules)}
from werkzeug.test import Client
client = Client(app)
for path in ("/", "/c/table", "/p/mug"):
    assert client.get(path).status_code == 200, path
%s
seen["the first pages"] = sorted(sys.modules)
places = {name: str(getattr(module, "__file__", "")) for name, module in list(sys.modules.items())}
print(json.dumps([seen, places]))
"""


@pytest.fixture
def filled(app: Flask) -> Flask:
    with app.app_context():
        category = make_category("Table", slug="table")
        make_product("Mug", slug="mug", categories=[category])
    return app


def too_much(config: Config, planted: str = "") -> list[str]:
    """What a process of its own has loaded without need after ``create_app()``, and after the first pages."""
    environ = settings(config.instance, DATABASE_URL=config.database_url, SHOP_COURIER="0")
    ran = subprocess.run([sys.executable, "-c", PROGRAM % planted], cwd=ROOT, env=environ, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stderr
    seen, places = json.loads(ran.stdout.splitlines()[-1])
    on_postgresql = config.database_url.startswith("postgresql")
    wanted = WANTED | WANTED_ON_POSTGRESQL if on_postgresql else WANTED
    unwanted = UNWANTED if on_postgresql else UNWANTED | UNWANTED_ON_SQLITE
    return [
        f"{name} after {when}"
        for when, names in seen.items()
        for name in names
        if name in unwanted or ("site-packages" in places[name] and "." not in name and name.partition(".")[0] not in wanted)
    ]


def test_the_first_pages_load_no_library_that_few_requests_need(filled: Flask, config: Config) -> None:
    assert too_much(config) == []


@pytest.mark.parametrize("library", ["argon2", "smtplib", "PIL.Image"])
def test_a_library_that_a_page_need_not_load_is_found(filled: Flask, config: Config, library: str) -> None:
    found = too_much(config, planted=f"import {library}")

    assert f"{library.partition('.')[0]} after the first pages" in found
