"""What an import did and found: counts in memory, problems in a temporary file, so that a million of them cost no memory."""

from __future__ import annotations

import json
import tempfile
from collections import Counter
from collections.abc import Iterator
from typing import IO, Any, NamedTuple

ERROR, WARNING = "error", "warning"
OUTCOMES = ("created", "changed", "unchanged", "skipped")
KEPT_IN_MEMORY = 1000
SHOWN = 200


class Problem(NamedTuple):
    """Something that a person should look at: where, what, and what to do. An error keeps its product out; a warning does not."""

    line: int
    column: str
    reason: str
    remedy: str
    severity: str = ERROR


class Report:
    """Counts of rows, products and variants, and every problem in the order it was met."""

    def __init__(self) -> None:
        self.rows = 0
        self.products: Counter[str] = Counter()
        self.variants: Counter[str] = Counter()
        self.severities: Counter[str] = Counter()
        self._told: set[str] = set()
        self._kept: list[str] = []
        self._file: IO[str] | None = None

    def add(self, problem: Problem) -> None:
        self.severities[problem.severity] += 1
        entry = problem._asdict()
        for name in ("column", "reason", "remedy"):
            text = entry[name].encode("utf-8", "replace").decode()
            entry[name] = text if len(text) <= SHOWN * 2 else text[: SHOWN * 2] + "…"
        self._kept.append(json.dumps(entry, ensure_ascii=False) + "\n")
        if len(self._kept) >= KEPT_IN_MEMORY:
            self._put_aside()

    def _put_aside(self) -> None:
        if self._file is None:
            self._file = tempfile.TemporaryFile("w+", encoding="utf-8")  # noqa: SIM115
        self._file.writelines(self._kept)
        self._kept.clear()

    def add_once(self, key: str, problem: Problem) -> None:
        """Only the first of its kind: the same column or currency would be named on every row."""
        if key not in self._told:
            self._told.add(key)
            self.add(problem)

    def problems(self) -> Iterator[dict[str, Any]]:
        if self._file is not None:
            self._put_aside()
            self._file.seek(0)
            yield from map(json.loads, self._file)
            self._file.seek(0, 2)
        yield from map(json.loads, self._kept)

    def write(self, file: IO[str]) -> None:
        """The JSON of the report; problems stream through."""
        head = {
            "rows": self.rows,
            "products": {name: self.products[name] for name in OUTCOMES},
            "variants": {name: self.variants[name] for name in OUTCOMES},
        }
        file.write(json.dumps(head)[:-1] + ', "problems": [')
        for number, problem in enumerate(self.problems()):
            file.write(("," if number else "") + "\n  " + json.dumps(problem, ensure_ascii=False))
        file.write("]}\n")

    def summary(self) -> str:
        """The counts in a few lines for people."""
        lines = [f"rows       {self.rows:>9,}"]
        for name, counts in (("products", self.products), ("variants", self.variants)):
            lines.append(f"{name}   " + "   ".join(f"{outcome} {counts[outcome]:,}" for outcome in OUTCOMES))
        lines.append(f"problems   {self.severities[ERROR]:,} errors, {self.severities[WARNING]:,} warnings")
        return "\n".join(lines)

    def close(self) -> None:
        if self._file is not None:
            self._file.close()
