from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from flask import Flask

from tests.fire.house import House, open_house


@pytest.fixture
def house(context: Flask, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[House]:
    """A shop in this process, and its bank."""
    return open_house(context, tmp_path, monkeypatch)
