"""Tables of text: which mark parts the cells, where records begin and end, and how to go on after a broken one."""

from __future__ import annotations

import csv
import io
import re
from collections import deque
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from shop.catalog.transfer.decode import is_damaged, mend
from shop.catalog.transfer.report import WARNING, Problem, Report

LONGEST_RECORD = 8 * 1024 * 1024
MARKS = (",", ";", "\t", "|")
QUOTED = re.compile(r'"(?:[^"\\]|\\.|"")*"|;')
NUL = "\0"


class TooLong(Exception):
    """A record runs on and on: a quote was never closed."""


class Lines:
    """Physical lines with their numbers; those of the record being read can be taken back."""

    def __init__(self, stream: io.TextIOBase, *, mixed: bool = False) -> None:
        self._stream = stream
        self._mixed = mixed
        self._again: deque[str] = deque()
        self.number = 0
        self.taken: list[str] = []
        self._size = 0

    def begin(self) -> int:
        """A record begins; gives the number of its first line."""
        self.taken, self._size = [], 0
        return self.number + 1

    def take_back(self, lines: Iterable[str]) -> None:
        back = list(lines)
        self.number -= len(back)
        self._again.extendleft(reversed(back))

    def __iter__(self) -> Lines:
        return self

    def __next__(self) -> str:
        line = self._again.popleft() if self._again else self._stream.readline(LONGEST_RECORD)
        if not line:
            raise StopIteration
        self.number += 1
        self.taken.append(line)
        self._size += len(line)
        if self._size >= LONGEST_RECORD:
            raise TooLong
        return self._commas(line) if self._mixed else line

    @staticmethod
    def _commas(line: str) -> str:
        """Where a file parts its cells by both marks: semicolons outside of quotes become commas."""
        return QUOTED.sub(lambda found: found[0] if len(found[0]) > 1 else ",", line)


class Dialect(NamedTuple):
    """``padded`` files align their cells with blanks; ``mixed`` ones part cells by ``,`` and ``;`` alike."""

    mark: str
    padded: bool = False
    mixed: bool = False


def sniff(first_lines: str) -> Dialect:
    """Count the marks outside of quotes in the first line that is not blank."""
    line = next((line for line in first_lines.splitlines() if line.strip()), "")
    bare = re.sub(r'"(?:[^"\\]|\\.|"")*"?', "", line)
    counts = {mark: bare.count(mark) for mark in MARKS}
    mark = max(MARKS, key=lambda mark: counts[mark])
    is_mixed = '"' in line and counts[","] > 0 and counts[";"] > 2
    return Dialect("," if is_mixed else mark, padded=bool(re.search(rf"\w +{re.escape(mark)} *\w", line)) and "  " in line, mixed=is_mixed)


class Row:
    """One record: its cells by the names of the header, stripped. ``fault`` says why its cells cannot be trusted."""

    __slots__ = ("cells", "fault", "index", "line")

    def __init__(self, line: int, cells: list[str], index: dict[str, int], fault: Problem | None = None) -> None:
        self.line, self.cells, self.index, self.fault = line, cells, index, fault

    def get(self, *names: str) -> str:
        """The cell under the first of these names that the header has; "" where there is none."""
        for name in names:
            place = self.index.get(name)
            if place is not None and place < len(self.cells):
                return self.cells[place].strip()
        return ""

    def has(self, *names: str) -> bool:
        return any(name in self.index for name in names)


def normal(name: str) -> str:
    """How a header's name is compared: lower-case, single blanks."""
    return " ".join(name.replace("\ufeff", "").casefold().split())


class Table:
    """Records of a file. Broken ones are reported; reading goes on behind them."""

    def __init__(self, lines: Lines, dialect: Dialect, report: Report) -> None:
        csv.field_size_limit(LONGEST_RECORD)
        self.lines = lines
        self.dialect = dialect
        self.report = report
        self.header: list[str] = []
        self.index: dict[str, int] = {}
        self.header_line = 0
        self.width = 0
        self.padding = {"skipinitialspace": True} if dialect.padded else {}
        self._strict = csv.reader(lines, delimiter=dialect.mark, strict=True, **self.padding)  # type: ignore[arg-type]

    def read_header(self) -> bool:
        """Take the first record that is not blank as the names; False when there is none."""
        for line, cells, _ in self.records():
            self.use_header(cells, line)
            return True
        return False

    def use_header(self, names: list[str], line: int = 0) -> None:
        self.header = [name.strip() for name in names]
        self.header_line, self.width = line, len(names)
        for place, name in enumerate(self.header):
            self.index.setdefault(normal(name), place)

    def rows(self) -> Iterator[Row]:
        """The records under the header. One with fewer or more cells has a fault: nobody knows which cell is missing."""
        for line, cells, fault in self.records():
            self.report.rows += 1
            if fault is None and len(cells) != self.width:
                fault = self._ragged(line, cells)  # noqa: PLW2901
            yield Row(line, cells, self.index, fault)

    def _ragged(self, line: int, cells: list[str]) -> Problem | None:
        while len(cells) > self.width and not cells[-1].strip():
            cells.pop()
        if len(cells) == self.width:
            return None
        column = self.header[min(len(cells), self.width) - 1]
        remedy = "Give the row one cell for each column; a stray quote or separator may have moved them."
        return Problem(line, column, f"the row has {len(cells)} cells, the header {self.width}", remedy)

    def records(self) -> Iterator[tuple[int, list[str], Problem | None]]:
        """Each record that is not blank, with the number of its first line, and what is wrong with its quotes."""
        while True:
            line = self.lines.begin()
            fault = None
            try:
                cells = next(self._strict)
            except StopIteration:
                return
            except (csv.Error, TooLong):
                cells, fault = self._recover(line)
            if any("\0" in cell or is_damaged(cell) for cell in cells):
                cells = self._repair(line, cells)
            if fault or any(cell and not cell.isspace() for cell in cells):
                yield line, cells, fault

    def _recover(self, line: int) -> tuple[list[str], Problem | None]:
        """The record does not follow the rules: try backslashes, then good will, else say that a quote is open and go on in the next line."""
        taken = list(self.lines.taken)
        tries = [True, False] if any('\\"' in part for part in taken) else [False]
        for with_backslash in tries:
            cells = self._read_kindly(taken, with_backslash=with_backslash)
            if cells is not None and (not self.width or len(cells) == self.width or len(taken) == 1) and not self._is_open(cells):
                if not (with_backslash or self.dialect.padded):
                    self._report_quote(line, cells)
                return cells, None
        self.lines.take_back(taken[1:])
        before = taken[0][: taken[0].rfind('"')].rstrip().split(self.dialect.mark)
        column = self.header[len(before) - 1] if len(before) <= len(self.header) else ""
        return before, Problem(line, column, "a quote is opened and never closed", "Close the quote, or double it.")

    def _read_kindly(self, taken: list[str], *, with_backslash: bool) -> list[str] | None:
        escape = "\\" if with_backslash else None
        text = [Lines._commas(line) for line in taken] if self.dialect.mixed else taken  # noqa: SLF001
        reader = csv.reader(text, delimiter=self.dialect.mark, escapechar=escape, **self.padding)  # type: ignore[arg-type]
        try:
            cells = next(reader)
            return cells if next(reader, None) is None else None
        except (csv.Error, StopIteration):
            return None

    def _is_open(self, cells: list[str]) -> bool:
        """The last cell swallowed line ends up to the end of what was read: its quote is open."""
        return bool(cells) and ("\n" in cells[-1] or "\r" in cells[-1])

    def _report_quote(self, line: int, cells: list[str]) -> None:
        column = next((self.header[place] for place, cell in enumerate(cells) if '"' in cell and place < self.width), "")
        self.report.add(
            Problem(line, column, "a quote stands inside a quoted cell", "Double the quote; the cell was read as it seems meant.", WARNING)
        )

    def _repair(self, line: int, cells: list[str]) -> list[str]:
        repaired = []
        for place, cell in enumerate(cells):
            column = self.header[place] if place < len(self.header) else ""
            if NUL in cell:
                self.report.add(Problem(line, column, "a NUL byte stands in the cell", "It was left out; check the text.", WARNING))
                cell = cell.replace(NUL, "")  # noqa: PLW2901
            if is_damaged(cell):
                self.report.add(
                    Problem(line, column, "a byte is no UTF-8", "It was read as Windows-1252; save the file as UTF-8.", WARNING)
                )
                cell = mend(cell)  # noqa: PLW2901
            repaired.append(cell)
        return repaired
