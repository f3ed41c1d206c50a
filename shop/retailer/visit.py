"""A short visit to one retailer's shop, for commands."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from flask import Flask

from config import Config
from shop import create_app, enable_migrations


@contextmanager
def visiting(config: Config) -> Iterator[Flask]:
    """The shop, in its own context; it leaves no connection behind."""
    shop = create_app(config)
    enable_migrations(shop)
    with shop.app_context():
        engine = shop.extensions["sqlalchemy"].engine
    try:
        with shop.app_context():
            yield shop
    finally:
        engine.dispose()
