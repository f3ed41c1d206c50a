"""Counting the statements of each request, and the time that it waits for them.

Where SQLAlchemy hands a statement to the driver: its events would cost a page more than all the rest of this package.
"""

from __future__ import annotations

from collections.abc import Callable
from time import perf_counter_ns
from typing import Any

from flask import Flask

from shop.observe.trace import current


def init_app(app: Flask) -> None:
    """Stand before the driver of this shop's engine."""
    with app.app_context():
        dialect = app.extensions["sqlalchemy"].engine.dialect
    for name in ("do_execute", "do_executemany", "do_execute_no_params"):
        setattr(dialect, name, _counted(getattr(dialect, name)))


def _counted(execute: Callable[..., None]) -> Callable[..., None]:
    def counted(*args: Any, **kwargs: Any) -> None:
        trace = current.get()
        if trace is None:
            return execute(*args, **kwargs)
        trace.statements += 1
        began_ns = perf_counter_ns()
        try:
            return execute(*args, **kwargs)
        finally:
            trace.sql_ns += perf_counter_ns() - began_ns

    return counted
