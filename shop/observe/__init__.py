"""What the shop tells of itself: one line per request and per fact, figures for Prometheus, spans for OpenTelemetry. Never who somebody is.

A feature says what happened by ``tell`` (a line and a figure), counts by ``count``, and has a number read when Prometheus asks by ``watch``.
Lines, figures and traces belong to the process, not to one of its shops, as standard output does: their modules keep one of each per process, and
every line and figure says which shop it is about. Nothing here may ever stop a request: what cannot be told is not told.
"""

from __future__ import annotations

from flask import Flask

from shop.observe.facts import count, tell, tell_refusals
from shop.observe.watch import watch

__all__ = ["count", "init_app", "tell", "tell_refusals", "watch"]


def init_app(app: Flask) -> None:
    """Name every request, and tell of it. The first of all features, so that it sees what the others answer."""
    from shop.observe import requests, statements
    from shop.observe.process import open_eyes

    config = app.extensions["config"]
    app.extensions["observe"] = config.name
    if not config.testing:
        open_eyes(config)
    requests.init_app(app)
    statements.init_app(app)
