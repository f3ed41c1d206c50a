"""Finding goods by words, through one interface: ``app.extensions["search"]`` is a ``SearchEngine``."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, Flask
from sqlalchemy import event

from shop.db import db
from shop.search.plain import PlainSearch
from shop.search.words import fold

bp = Blueprint("search", __name__)


def init_app(app: Flask) -> None:
    """Register this feature's routes and its engine; SQLite learns to compare without accents."""
    app.register_blueprint(bp)
    app.extensions["search"] = PlainSearch()
    with app.app_context():
        if db.engine.dialect.name == "sqlite":
            event.listen(db.engine, "connect", _teach_folding)


def _teach_folding(connection: Any, _record: object) -> None:
    connection.create_function("folded", 1, fold, deterministic=True)


from shop.search import api, views  # noqa: F401
