"""A file to be imported: what kind it is, and how its readers see it."""

from __future__ import annotations

import io
import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from shop.catalog.transfer.decode import Encoding, open_text
from shop.catalog.transfer.report import WARNING, Problem, Report
from shop.catalog.transfer.table import Lines, Table, sniff

PEEK = 1 << 20


@dataclass(slots=True)
class Source:
    """An open file with the facts about the shop that its reader needs: ``currency`` of prices without one, ``locales`` that it speaks."""

    path: Path
    stream: io.TextIOWrapper
    encoding: Encoding
    report: Report
    currency: str
    locales: tuple[str, ...]
    at_iso: str = ""

    def peek(self) -> str:
        """The first lines."""
        text = "".join(self.stream.readline(PEEK) for _ in range(3))
        self.rewind()
        return text

    def rewind(self) -> None:
        self.stream.seek(0)

    def table(self) -> Table:
        """The file as a table whose header is not read yet."""
        dialect = sniff(self.peek())
        return Table(Lines(self.stream, mixed=dialect.mixed), dialect, self.report)

    def first_record(self) -> list[str]:
        """The cells of the first record, for telling formats apart."""
        quiet = Table(Lines(self.stream), sniff(self.peek()), Report())
        cells = next((cells for _, cells, _ in quiet.records()), [])
        self.rewind()
        return cells

    def first_object(self) -> dict[str, object] | None:
        """The JSON object in the first line, if there is one."""
        line = self.stream.readline(PEEK)
        self.rewind()
        try:
            found = json.loads(line.lstrip("\ufeff"))
        except ValueError:
            return None
        return found if isinstance(found, dict) else None


@contextmanager
def open_source(path: Path, report: Report, *, currency: str, locales: tuple[str, ...]) -> Iterator[Source]:
    """Open the file as text; a guessed encoding is said."""
    stream, encoding = open_text(path)
    if encoding.guessed and encoding.name != "utf-8":
        remedy = "Look whether letters with accents are right; if not, save the file as UTF-8."
        report.add(Problem(1, "", f"the file is no UTF-8; it was read as {encoding.name}", remedy, WARNING))
    try:
        yield Source(path, stream, encoding, report, currency, locales)
    finally:
        stream.close()


Reader = Callable[[Source], Iterator[object]]
