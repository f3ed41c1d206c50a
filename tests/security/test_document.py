"""The document on security names tests that exist."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
NAMED = re.compile(r"`(tests/[\w/]+\.py)(?:::(\w+))?`")


def missing(document: str) -> list[str]:
    return [
        f"{file}::{name}"
        for file, name in NAMED.findall(document)
        if not (ROOT / file).is_file() or (name and f"def {name}(" not in (ROOT / file).read_text())
    ]


def test_every_test_that_the_document_names_exists():
    document = (ROOT / "docs" / "security.md").read_text()

    assert len(NAMED.findall(document)) > 40
    assert missing(document) == []


def test_a_test_that_does_not_exist_is_found():
    assert missing("`tests/web/test_csrf.py::test_nothing` `tests/nothing.py`") == [
        "tests/web/test_csrf.py::test_nothing",
        "tests/nothing.py::",
    ]
