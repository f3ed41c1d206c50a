"""Taking out of a line what no log may hold: what visitors sent, addresses of people, secrets of the shop.

Our own lines hold ids and words of the code alone. What is scrubbed is the text of others: errors of libraries, of the database, of the web server.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from flask import has_request_context, request

from shop.observe.trace import current

SHORTEST, MOST = 4, 400
_PUBLIC = r"(?!127\.|10\.|192\.168\.|172\.(?:1[6-9]|2\d|3[01])\.|0\.0\.0\.0)"
PATTERNS = (
    (re.compile(r"[^\s@<>()\[\]'\",;:=]+@[^\s@<>()\[\]'\",;:]+\.[^\s@<>()\[\]'\",;:]+"), "‹e-mail›"),
    (re.compile(r"(?<=[\w/])\?[^\s'\"<>]*=[^\s'\"<>]*"), "?‹query›"),
    (re.compile(r"(DETAIL|CONTEXT|HINT):.*"), r"\1: ‹left out›"),  # PostgreSQL quotes the row
    (re.compile(r"\[(parameters|SQL): .*"), r"[\1: ‹left out›]"),
    (re.compile(r"(?i)\b(bearer|basic)\s+[\w.~+/=-]{6,}"), r"\1 ‹secret›"),
    (re.compile(r"\b(sk|rk|pk|whsec)_\w{6,}"), r"\1_‹secret›"),
    (re.compile(r"(?<![\w.])(?:\d[ -]?){12,18}\d(?![\w.])"), "‹number›"),  # a card's or an account's
    (re.compile(rf"(?<![\w.]){_PUBLIC}\d{{1,3}}(?:\.\d{{1,3}}){{3}}(?![\w.])"), "‹address›"),
    (re.compile(r"(?<![\w:.])(?=[0-9a-fA-F:]*::|(?:[0-9a-fA-F]{1,4}:){7})[0-9a-fA-F]{1,4}:[0-9a-fA-F:]{2,}"), "‹address›"),
)
PLAIN_HEADERS = ("Accept", "Connection", "Content-", "Cache-", "Host", "Pragma", "Sec-", "Upgrade", "X-Forwarded-Proto", "X-Request-Id")
_secrets: tuple[str, ...] = ()


def keep_secret(secrets: tuple[str, ...]) -> None:
    """These values are in no line from now on, beside those that are kept already: each shop of the process has its own."""
    global _secrets  # noqa: PLW0603 - the process has one log
    _secrets = tuple(sorted({*_secrets, *secrets}, key=len, reverse=True))


def scrub(text: str) -> str:
    """The text without what it must not say."""
    for secret in _secrets:
        text = text.replace(secret, "‹secret›")
    for needle in sorted(set(_private_words()), key=len, reverse=True):
        if needle in text:
            text = text.replace(needle, "‹typed›")
    for pattern, instead in PATTERNS:
        text = pattern.sub(instead, text)
    return text


def _private_words() -> Iterator[str]:
    """What was sent in this request or told to this delivery, whole and in words."""
    found = _given()
    for _ in range(MOST):
        value = next(found, None)
        if value is None:
            return
        yield from (
            part for part in {value, repr(value)[1:-1], *(word for word in value.split() if len(word) > SHORTEST)} if len(part) >= SHORTEST
        )


def _given() -> Iterator[str]:
    trace = current.get()
    if trace is not None:
        yield from _leaves(trace.private)
    if not has_request_context():
        return
    known = vars(request)  # what nobody has read yet is not read now: a body may be broken
    yield from _leaves([known.get("args"), known.get("form"), known.get("json"), known.get("_cached_json")])
    yield from request.args.values()
    yield from request.cookies.values()
    yield from (value for name, value in request.headers.items() if not name.startswith(PLAIN_HEADERS))
    yield from (value for name, value in (request.view_args or {}).items() if isinstance(value, str) and name not in {"number", "slug"})
    yield request.query_string.decode("latin-1")
    known_body = known.get("_cached_data")
    if isinstance(known_body, bytes):
        yield known_body.decode("utf-8", "replace")


def _leaves(found: Any) -> Iterator[str]:
    if isinstance(found, str):
        yield found
    elif hasattr(found, "items"):
        for _, value in found.items(multi=True) if hasattr(found, "getlist") else found.items():
            yield from _leaves(value)
    elif isinstance(found, list | tuple):
        for value in found:
            yield from _leaves(value)
    elif isinstance(found, int) and not isinstance(found, bool) and found > 10**9:
        yield str(found)
