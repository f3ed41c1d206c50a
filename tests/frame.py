"""Stand-ins for what pages link to while the features behind it are still being written; takes nothing away from those that are there."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from flask import Flask


@pytest.fixture(autouse=True)
def _whole_frame(shop_app: Flask) -> Iterator[None]:
    for name in ("menu", "foot_pages"):
        shop_app.jinja_env.globals.setdefault(name, list)
    shop_app.jinja_env.globals.setdefault("cart_count", int)
    answer = lambda _error, endpoint, _values: f"/{endpoint}"  # noqa: E731
    shop_app.url_build_error_handlers.append(answer)
    yield
    shop_app.url_build_error_handlers.remove(answer)
