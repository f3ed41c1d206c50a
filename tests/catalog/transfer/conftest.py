"""What the tests of imports share."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Executable, update

from shop.catalog.models import Product
from shop.catalog.transfer.importer import import_file
from shop.catalog.transfer.report import Report
from shop.db import Base, rows, transaction
from tests.factories import NOON

AWKWARD = Path(__file__).resolve().parents[2] / "data" / "awkward"

Import = Callable[..., Report]


@pytest.fixture
def bring(tmp_path: Path, context: object) -> Import:
    """Import a text, bytes or a file; gives the report."""

    def act(content: str | bytes | Path, name: str = "goods.csv", at: datetime = NOON, **options: Any) -> Report:
        path = content if isinstance(content, Path) else tmp_path / name
        if isinstance(content, bytes):
            path.write_bytes(content)
        elif isinstance(content, str):
            path.write_text(content, "utf-8", newline="")
        return import_file(path, at=at, **options)

    return act


def every(statement: Executable) -> list[Any]:
    return [tuple(found) if len(found) > 1 else found[0] for found in rows(statement)]


def problems(report: Report) -> list[tuple[int, str, str]]:
    return [(problem["line"], problem["column"], problem["severity"]) for problem in report.problems()]


def forget_marks() -> None:
    """As if nobody had ever imported: everything is compared in full."""
    with transaction() as session:
        session.execute(update(Product).values(import_mark=""), execution_options={"synchronize_session": False})


def everything() -> dict[str, list[tuple[Any, ...]]]:
    """All rows of the shop but the counters of versions and the marks of imports."""
    with transaction() as session:
        return {
            table.name: sorted((tuple(found) for found in session.execute(table.select()) if table.name != "versions"), key=repr)
            for table in Base.metadata.sorted_tables
        }
