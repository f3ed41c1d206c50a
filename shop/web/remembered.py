"""Pages that are the same for all strangers, rendered once for the same facts.

The view reads what the page shows as on every request; only where that, and the versions of what is kept, are equal to the last time, the
text of the last time is sent again. A visitor with a session always gets a fresh page.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from flask import Flask, current_app, request

from shop.settings.queries import topic_version
from shop.web.context import chosen_theme
from shop.web.cookies import has_cookie
from shop.web.locale import current_locale
from shop.web.memory import Memory

TOPICS = ("settings", "catalog", "content", "reviews")
PAGES_MOST = 64


def remembered(facts: Any, render: Callable[[], str]) -> str | bytes:
    """``render()``, or what it gave at this address for equal ``facts``."""
    if has_cookie() or current_app.debug:
        return render()
    memory = current_app.extensions["pages"].setdefault(request.endpoint, Memory(PAGES_MOST))
    key = (request.path, request.query_string, current_locale(), chosen_theme())
    state = (facts, *map(topic_version, TOPICS))
    known = memory.get(key)
    if known is not None and known[0] == state:
        return known[1]
    page = render().encode()
    memory.put(key, (state, page))
    return page


def init_app(app: Flask) -> None:
    pages: dict[str | None, Memory] = {}  # each kind of page has its own, so that many goods do not push out the shelves
    app.extensions["pages"] = pages
