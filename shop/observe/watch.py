"""Numbers that are read when Prometheus asks, such as for how long the outbox has waited."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Iterator
from datetime import datetime

from flask import Flask

from shop.clock import now
from shop.observe.figures import DATABASE_UP, Gauge

log = logging.getLogger(__name__)

Read = tuple[Gauge, tuple[str, ...], float]
Reader = Callable[[datetime], Iterable[Read]]


def watch(app: Flask, read: Reader) -> None:
    """Have ``read`` called, in the application's context, whenever Prometheus asks; it gives gauges with their labels and numbers."""
    app.extensions.setdefault("watched", []).append(read)


def read_all(app: Flask) -> Iterator[Read]:
    """Every number of one shop; where its database is silent, that."""
    readers: list[Reader] = app.extensions.get("watched", [])
    shop = app.extensions["observe"]
    found: list[Read] = []
    with app.app_context():
        try:
            for read in readers:
                found += read(now())
            is_up = 1.0
        except Exception:
            log.warning("the figures of %s could not be read", shop, exc_info=True)
            found, is_up = [], 0.0
    for gauge, labels, value in [*found, (DATABASE_UP, (), is_up)]:
        yield gauge, (shop, *labels), value
