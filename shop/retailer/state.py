"""How a retailer is: for ``flask retailer list``."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy.engine import make_url

from shop.db import schema_of
from shop.health import check_readiness
from shop.retailer.folder import Retailer
from shop.retailer.visit import visiting


@dataclass(frozen=True, slots=True)
class State:
    """``line`` is for people."""

    line: str
    is_ready: bool


def describe(retailer: Retailer) -> State:
    """Ask its database how it is; a database that does not answer is a state, too."""
    config = retailer.config
    with visiting(config):
        is_ready, checks = check_readiness()
    wrong = "; ".join(str(checks[name]) for name in ("database", "schema") if checks[name] != "ok")
    words = (
        f"{retailer.name:<16}",
        f"{retailer.host:<28}",
        f"{','.join(config.locales):<6}",
        config.currency,
        f"{where_it_is(config.database_url):<28}",
        "ready" if is_ready else wrong,
    )
    return State(" ".join(words), is_ready)


def where_it_is(url: str) -> str:
    """The database without users and passwords: ``SQLite``, ``shops@db.example/acme``."""
    parts = make_url(url)
    if parts.get_backend_name() == "sqlite":
        return "SQLite"
    schema = schema_of(url)
    return f"{parts.database}@{parts.host or 'localhost'}" + (f"/{schema}" if schema else "")
