"""The demo world with small pictures in the places of the real ones: what is written about them is the same."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pytest
from flask import Flask

from config import Config
from shop.demo import build, sources
from shop.demo.build import Built, build_demo
from shop.demo.people import LOGIN_FILE
from tests.conftest import start_afresh
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


@pytest.fixture(scope="module")
def world(shop_app: Flask, config: Config, small_pictures: list[Path]) -> Iterator[Built]:
    """The shop, filled once for all tests of a module: they only look."""
    start_afresh(shop_app, config)
    with shop_app.app_context(), pytest.MonkeyPatch.context() as patch:
        patch.setattr(build, "image_files", lambda: small_pictures)
        yield build_demo(seed=1, today=TODAY)
    (config.instance / LOGIN_FILE).unlink()
