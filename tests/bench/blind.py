"""The shop as it would be without eyes: no lines, no figures, no numbers for requests. The floor beside which they are measured."""

from __future__ import annotations

from flask import Flask

from shop import observe
from shop.observe import process


def init_app(app: Flask) -> None:
    """Only what others read."""
    app.extensions["observe"] = app.extensions["config"].name


observe.init_app = init_app
process.open_eyes = process.begin_to_count = lambda _config: None  # type: ignore[assignment]

from wsgi import app

__all__ = ["app"]
