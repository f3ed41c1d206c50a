"""Counting the statements of each request, and the time that it waits for them."""

from __future__ import annotations

from time import perf_counter_ns
from typing import Any

from flask import Flask
from sqlalchemy import event

from shop.observe.trace import current


def init_app(app: Flask) -> None:
    """Listen to the engine of this shop."""
    with app.app_context():
        engine = app.extensions["sqlalchemy"].engine
    event.listen(engine, "before_cursor_execute", _begin)
    event.listen(engine, "after_cursor_execute", _end)


def _begin(*_: Any) -> None:
    trace = current.get()
    if trace is not None:
        trace.statements += 1
        trace.sql_began_ns = perf_counter_ns()


def _end(*_: Any) -> None:
    trace = current.get()
    if trace is not None:
        trace.sql_ns += perf_counter_ns() - trace.sql_began_ns
