"""Lighthouse on a simulated phone: at least 95 / 100 / 100 / 100, through nginx as visitors come.

Speed is the best of a few looks: another program on this machine can only make a page look slower than it is.
"""

from __future__ import annotations

import functools
import http.server
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.pages.judges import lighthouse

LEAST = {"performance": 95, "accessibility": 100, "best-practices": 100, "seo": 100}
LOOKS = 3


def best_look(url: str, cookie: str = "") -> tuple[dict[str, int], list[str]]:
    for _ in range(LOOKS):
        marks, lost = lighthouse(url, cookie=cookie)
        if not short_of(marks) or any(short_of(marks).keys() - {"performance"}):
            break
    return marks, lost


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
