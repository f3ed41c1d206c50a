from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest
from flask import Flask
from sqlalchemy import event

from shop.db import db
from tests.people import the_shop  # noqa: F401

Statements = Callable[[], "contextmanager[list[str]]"]


@pytest.fixture
def statements(app: Flask) -> Callable[[], contextmanager[list[str]]]:
    """``with statements() as seen:`` every statement that reaches the database meanwhile, the beginnings of transactions left out."""
    with app.app_context():
        engine = db.engine

    @contextmanager
    def listening() -> Iterator[list[str]]:
        seen: list[str] = []

        def note(_connection: object, _cursor: object, statement: str, *_rest: object) -> None:
            if not statement.startswith("BEGIN"):
                seen.append(statement)

        event.listen(engine, "before_cursor_execute", note)
        yield seen
        event.remove(engine, "before_cursor_execute", note)

    return listening
