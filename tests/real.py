"""Fixtures of tests with real servers and a real browser. A conftest takes what it needs: ``from tests.real import *``.

``shop``: the demo world under gunicorn, fresh for each test file. ``visitor.open("/cart", js=False, width=PHONE)``: a page.
``page``: the same journey twice, with and without JavaScript. ``page_with_js``: what exists with JavaScript only.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page

from tests.chromium import Visitor, start_chromium
from tests.servers import Server, copy_instance, demo_world, serve_nginx, serve_shop

__all__ = ["browser", "demo", "front", "instance", "page", "page_with_js", "shop", "visitor"]


@pytest.fixture(scope="session")
def demo() -> Path:
    """The demo world as it was made. Do not change it; see ``instance``."""
    return demo_world()


@pytest.fixture(scope="module")
def instance(demo: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An instance folder with the demo world, this test file's own."""
    return copy_instance(demo, tmp_path_factory.mktemp("instance"))


@pytest.fixture(scope="module")
def shop(instance: Path) -> Iterator[Server]:
    with serve_shop(instance) as server:
        yield server


@pytest.fixture(scope="module")
def front(instance: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """The same shop behind nginx, as visitors meet it."""
    folder = tmp_path_factory.mktemp("front")
    sockets = folder / "shop.sock"
    with serve_shop(instance, sockets=sockets, SHOP_PROXIES="1") as shop, serve_nginx(folder, shop.folder, sockets) as server:
        yield server


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    with start_chromium() as browser:
        yield browser


@pytest.fixture
def visitor(browser: Browser, shop: Server) -> Iterator[Visitor]:
    """Opens pages; afterwards none of them may have shown an error or asked another host."""
    visitor = Visitor(browser, shop.url)
    yield visitor
    visitor.close()
    assert visitor.problems == []


@pytest.fixture(params=[True, False], ids=["with-js", "without-js"])
def page(request: pytest.FixtureRequest, visitor: Visitor) -> Page:
    return visitor.open(js=request.param)


@pytest.fixture
def page_with_js(visitor: Visitor) -> Page:
    return visitor.open()
