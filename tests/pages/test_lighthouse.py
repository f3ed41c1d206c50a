"""Lighthouse on a simulated phone: at least 95 / 100 / 100 / 100, through nginx as visitors come.

Speed is the best of a few looks: another program on this machine can only make a page look slower than it is.
"""

from __future__ import annotations

import functools
import http.server
import json
import threading
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser

from tests.pages.judges import NoVerdict, lighthouse
from tests.pages.visitors import fill_cart
from tests.servers import Server

LEAST = {"performance": 95, "accessibility": 100, "best-practices": 100, "seo": 100}
LOOKS = 3


def best_look(url: str, cookie: str = "") -> tuple[dict[str, int], list[str]]:
    for look in range(1, LOOKS + 1):
        try:
            marks, lost = lighthouse(url, cookie=cookie)
        except NoVerdict:
            if look == LOOKS:
                raise
            continue
        if look == LOOKS or not short_of(marks) or short_of(marks).keys() - {"performance"}:
            return marks, lost
    raise AssertionError("unreachable")


def short_of(marks: dict[str, int]) -> dict[str, int]:
    return {name: marks[name] for name, least in LEAST.items() if marks[name] < least}


@pytest.fixture
def bad_page(tmp_path: Path) -> Iterator[str]:
    """A page with a picture that nobody can hear about, on a server of its own."""
    (tmp_path / "index.html").write_text("<!doctype html><html><body><img src='chair.png'><p style='color:#bbb'>pale</p>")
    handler = functools.partial(Quiet, directory=str(tmp_path))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/"
        server.shutdown()


class Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        """Say nothing."""


def test_a_bad_page_falls_short(bad_page: str) -> None:
    marks, lost = lighthouse(bad_page)

    assert {"accessibility", "seo"} <= short_of(marks).keys()
    assert any("image-alt" in audit for audit in lost)


@pytest.fixture(scope="module")
def cookie(front: Server, browser: Browser) -> str:
    """Somebody with two things in the cart."""
    context = browser.new_context(base_url=front.url)
    fill_cart(context.request)
    return "; ".join(f"{one['name']}={one['value']}" for one in context.cookies())


@pytest.fixture(scope="module")
def addresses(front: Server) -> dict[str, str]:
    """The five pages that most visitors see on their way to an order."""
    categories = json.loads(front.get("/api/v1/categories").text)
    products = json.loads(front.get("/api/v1/products?limit=1").text)
    category = (categories["items"] if isinstance(categories, dict) else categories)[0]
    pages = {"home": "/", "category": category["url"], "product": products["items"][0]["url"], "cart": "/cart", "checkout": "/checkout"}
    return {name: urlsplit(url).path for name, url in pages.items()}


@pytest.mark.parametrize("name", ["home", "category", "product", "cart", "checkout"])
def test_the_page_is_as_good_as_lighthouse_can_say(front: Server, cookie: str, addresses: dict[str, str], name: str) -> None:
    marks, lost = best_look(front.url + addresses[name], cookie=cookie if name in {"cart", "checkout"} else "")

    print(f"{name}: {marks}")
    assert not short_of(marks), (marks, lost)
