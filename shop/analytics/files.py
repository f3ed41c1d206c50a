"""A folder of files: for each table and batch one of JSON Lines and one of CSV, which is there whole or not at all.

``orders/00000012.jsonl`` is the twelfth batch. One that is tried again overwrites its own files, so nothing is doubled. Files are never changed later.
"""

from __future__ import annotations

import csv
import io
import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from shop.analytics.reading import Batch
from shop.analytics.schema import TABLES, VERSION, Table

FORMATS = ("jsonl", "csv")
FORMULA = ("=", "+", "-", "@", "\t", "\r")


class Folder:
    """The files below ``path``, in one format or both."""

    def __init__(self, path: Path, formats: tuple[str, ...] = FORMATS) -> None:
        self.path, self.formats = path.absolute(), formats
        self.name = f"file:{self.path}"

    def prepare(self) -> None:
        """The folders, and ``schema.json``, which says what is in them."""
        for table in TABLES:
            (self.path / table.name).mkdir(parents=True, exist_ok=True)
        tables = {
            table.name: {
                "key": table.key,
                "says": table.says,
                "columns": [{"name": one.name, "type": one.kind.value, "says": one.says} for one in table.columns],
            }
            for table in TABLES
        }
        _write(self.path / "schema.json", json.dumps({"version": VERSION, "tables": tables}, indent=2).encode())

    def load(self, batch: Batch) -> None:
        """Write its files, and take away what an earlier try of the same batch left in other tables."""
        for table in TABLES:
            for format_ in FORMATS:
                path = self.path / table.name / f"{batch.number:08d}.{format_}"
                found = batch.rows.get(table.name, [])
                if found and format_ in self.formats:
                    _write(path, "".join(_lines(table, found, format_)).encode())
                else:
                    path.unlink(missing_ok=True)


def _lines(table: Table, found: list[dict[str, Any]], format_: str) -> Iterator[str]:
    if format_ == "jsonl":
        for one in found:
            yield json.dumps({name: one[name] for name in table.names}, ensure_ascii=False) + "\n"
        return
    page = io.StringIO()
    sheet = csv.writer(page)  # RFC 4180: CRLF, doubled quotes
    sheet.writerow(table.names)
    sheet.writerows([_cell(one[name]) for name in table.names] for one in found)
    yield page.getvalue()


def _cell(value: Any) -> str:
    """A cell. What a spreadsheet would take for a formula gets an apostrophe."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return str(value).lower()
    text = str(value)
    return f"'{text}" if isinstance(value, str) and text.startswith(FORMULA) else text


def _write(path: Path, content: bytes) -> None:
    making = path.with_name(f".{path.name}.making")
    descriptor = os.open(making, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    making.replace(path)
