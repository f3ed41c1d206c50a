"""``make run``: bring the tables up to date, fill the shop on its first day, open it. One process, so that it opens at once.

Doing it again changes nothing: each of the commands looks first. A shop that is already sold from is opened with gunicorn alone.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

from flask.cli import ScriptInfo

from config import ROOT
from environment import ConfigError
from shop.founding import CannotFound, make_database, upgrade_tables
from shop.retailer.door import open_shops, shops_behind

SETUP = ["shop", "init"]
DEMO_WORLD = ["shop", "demo", "--if-empty"]


def prepare() -> None:
    """The database and its tables, then what a shop needs, then the demo world; that last never in production. Of several retailers, the tables alone."""
    app = open_shops()
    if "door" in app.extensions:
        for shop in shops_behind(app):
            with shop.app_context():
                upgrade_tables()
        return
    with app.app_context():
        make_database(app.extensions["config"].database_url)
        upgrade_tables()
    command = SETUP if app.extensions["config"].is_production else DEMO_WORLD
    app.cli.main(command, prog_name="flask", standalone_mode=False, obj=ScriptInfo(create_app=lambda: app))


def serve() -> None:
    """Become gunicorn, so that Ctrl-C reaches it."""
    os.environ.setdefault("MALLOC_ARENA_MAX", "2")  # glibc would keep free memory aside for each thread: 2 MB of a worker
    gunicorn = str(Path(sys.executable).with_name("gunicorn"))
    os.execv(gunicorn, [gunicorn, "--config", str(ROOT / "deploy" / "gunicorn.conf.py"), "wsgi:app"])  # noqa: S606


if __name__ == "__main__":
    try:
        prepare()
    except (ConfigError, CannotFound) as problem:
        sys.exit(str(problem))
    serve()
