"""The shop whose workers die where a request says: ``X-Die-At: 3`` kills the process at the third place (``seams``) that this request reaches.

Only this module knows the header; the shop as it is deployed has no such thing.
"""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from shop.db import db
from shop.payment.queries import gateways
from tests.fire.seams import WatchedBank, watching
from wsgi import app

__all__ = ["app"]

HEADER = "HTTP_X_DIE_AT"
DEADLY = {"commit", "committed", "call", "called"}
GRAVES = Path(os.environ["FIRE_GRAVES"])
here = threading.local()


def reach(place: str) -> None:
    """Count down in the thread of the request; at the end of it, note where, and die as by ``kill -9``."""
    if place not in DEADLY or not getattr(here, "left", 0):
        return
    here.left -= 1
    if here.left == 0:
        GRAVES.write_text(place)
        os.kill(os.getpid(), signal.SIGKILL)


class Mortal:
    """Reads the header."""

    def __init__(self, inner: Callable[..., Iterable[bytes]]) -> None:
        self.inner = inner

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        here.left = int(environ.get(HEADER, "0"))
        try:
            return self.inner(environ, start_response)
        finally:
            here.left = 0


with app.app_context():
    watched = watching(db.engine, reach)  # kept: a context manager that nobody holds ends at once
    watched.__enter__()
    gateways()["test_card"].bank = WatchedBank(gateways()["test_card"].bank, reach)  # type: ignore[attr-defined]
app.wsgi_app = Mortal(app.wsgi_app)  # type: ignore[method-assign, assignment]
