"""The reference says what the code says."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from types import ModuleType

import pytest

from config import ROOT

REFERENCE = ROOT / "docs" / "reference"


@pytest.fixture(scope="module")
def writer() -> ModuleType:
    spec = importlib.util.spec_from_file_location("reference", REFERENCE / "write.py")
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def written(writer: ModuleType) -> dict[str, str]:
    pages: dict[str, str] = writer.write()
    return pages


def stale(written: dict[str, str], folder: Path) -> list[str]:
    """The pages that say something else than the code."""
    return [name for name, text in written.items() if not (folder / name).is_file() or (folder / name).read_text(encoding="utf-8") != text]


def test_the_reference_says_what_the_code_says(written):
    assert stale(written, REFERENCE) == [], "run make reference"


def test_a_page_that_fell_behind_is_found(written, tmp_path):
    for name, text in written.items():
        (tmp_path / name).write_text(text, encoding="utf-8")
    (tmp_path / "events.md").write_text(written["events.md"].replace("order.placed", "order.made"), encoding="utf-8")

    assert stale(written, tmp_path) == ["events.md"]


def test_every_setting_that_the_code_asks_for_stands_in_the_readme(writer):
    table = "\n".join(writer._readme_rows())

    assert sorted(name for name in writer.asked_settings() if f"`{name}`" not in table) == []


def test_every_command_and_event_says_what_it_is(written):
    assert "\n\n\n\n" not in written["commands.md"], "a command has no words"
    assert "|  |" not in written["events.md"]
