"""A shop that does everything wrong behind nginx, so that the tests see what nginx makes of it. Every answer counts upwards."""

from __future__ import annotations

import itertools
import json
import time
from collections.abc import Callable, Iterable
from typing import Any

COUNT = itertools.count(1)
PUBLIC = ("Cache-Control", "public, max-age=0, s-maxage=60")
HEADERS: dict[str, list[tuple[str, str]]] = {
    "/public": [PUBLIC],
    "/brief": [("Cache-Control", "public, max-age=0, s-maxage=1")],
    "/silent": [],
    "/private": [("Cache-Control", "private, no-store")],
    "/sets-cookie": [PUBLIC, ("Set-Cookie", "session=ann; Path=/")],
    "/varies": [PUBLIC, ("Vary", "Cookie")],
    "/account/x.css": [("Cache-Control", "private, no-store"), ("Content-Type", "text/css")],
    "/slow": [PUBLIC],
    "/slow-private": [("Cache-Control", "private, no-store")],
}


def app(environ: dict[str, Any], start_response: Callable[..., object]) -> Iterable[bytes]:
    path = environ["PATH_INFO"]
    number = next(COUNT)
    seen = {name: value for name, value in environ.items() if name.startswith("HTTP_") or name == "wsgi.url_scheme"}
    if path in {"/slow", "/slow-private"}:
        time.sleep(0.02)
    body = json.dumps({"number": number, "cookie": environ.get("HTTP_COOKIE", ""), "seen": seen, "padding": "goods " * 400}).encode()
    environ["wsgi.input"].read()
    start_response("200 OK", [("Content-Type", "application/json"), *HEADERS.get(path, []), ("Content-Length", str(len(body)))])
    return [body]
