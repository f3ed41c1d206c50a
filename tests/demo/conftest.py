"""The demo world with small pictures in the places of the real ones: what is written about them is the same."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pytest
from flask import Flask

from shop.demo import build, sources
from shop.demo.build import Built, build_demo
from tests.media.pictures import picture

TODAY = date(2026, 11, 21)


@pytest.fixture(scope="session")
def small_pictures(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    folder = tmp_path_factory.mktemp("pictures")
    for number, original in enumerate(sources.image_files()):
        (folder / original.name).write_bytes(picture(12, 15, kind="PNG", color=(number, 120, 90)))
    return sorted(folder.iterdir())


@pytest.fixture
def quick(small_pictures: list[Path], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(build, "image_files", lambda: small_pictures)


@pytest.fixture
def world(context: Flask, quick: None) -> Iterator[Built]:
    """The shop of this test, filled."""
    yield build_demo(seed=1, today=TODAY)
    (context.extensions["config"].instance / "demo-login.txt").unlink(missing_ok=True)
