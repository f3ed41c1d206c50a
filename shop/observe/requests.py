"""Every request gets a number and, once it is answered, a line, its figures and a span.

They name the endpoint, never the address: addresses hold keys of orders, tokens of links and what people search for.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

from flask import Flask, Response, request

from shop.observe.figures import REQUEST_SECONDS, REQUESTS, STATEMENT_SECONDS, STATEMENTS, Counter, Spread
from shop.observe.process import eyes
from shop.observe.trace import Trace, current, new_id

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

log = logging.getLogger("shop.request")
REQUEST_ID = re.compile(r"[A-Za-z0-9_-]{8,64}")
TRACE_PARENT = re.compile(r"00-(?!0{32})([0-9a-f]{32})-(?!0{16})([0-9a-f]{16})-([0-9a-f]{2})")  # Source: W3C Trace Context, section 3.2
METHODS = {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"}
QUIET = {"health.healthz", "health.readyz"}  # asked every few seconds; a line when they complain
CLASSES = {number: f"{number}xx" for number in range(1, 6)}


def init_app(app: Flask) -> None:
    """Stand before the application, and after all that changes its answers: whoever registers first comes last."""
    app.wsgi_app = _Numbered(app.wsgi_app, app.extensions["observe"], is_behind_proxy=app.extensions["config"].proxies > 0)  # type: ignore[method-assign]
    app.after_request(_teller(app))


class _Numbered:
    """Gives each request its number: the one that a proxy of ours has given, else a new one. Visitors do not choose."""

    def __init__(self, inner: WSGIApplication, shop: str, *, is_behind_proxy: bool) -> None:
        self.inner, self.shop, self.is_behind_proxy = inner, shop, is_behind_proxy

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        number, parent = self._given(environ) if self.is_behind_proxy else ("", None)
        trace = Trace(number or new_id(), self.shop)
        before = current.set(trace)
        spans = eyes().spans
        span = spans.begin_request(parent) if spans is not None else None
        trace.span = span
        try:
            return self.inner(environ, start_response)
        finally:
            if span is not None:
                span.end()
            current.reset(before)

    @staticmethod
    def _given(environ: WSGIEnvironment) -> tuple[str, tuple[int, int, int] | None]:
        """The number and, of the same trace, the span that a proxy speaks of."""
        number = environ.get("HTTP_X_REQUEST_ID", "")
        number = number if REQUEST_ID.fullmatch(number) else ""
        parent = TRACE_PARENT.fullmatch(environ.get("HTTP_TRACEPARENT", ""))
        if parent and number in {"", parent[1]}:
            return parent[1], (int(parent[1], 16), int(parent[2], 16), int(parent[3], 16))
        return number, None


def _teller(app: Flask) -> Callable[[Response], Response]:
    settings = app.extensions["config"].observe
    tells_lines, tells_networks = settings.log_requests, settings.log_networks

    def tell(response: Response) -> Response:
        trace = current.get()
        if trace is None:
            return response
        took_s, status = trace.took_s, response.status_code
        endpoint = request.endpoint or "-"
        method = request.method if request.method in METHODS else "OTHER"
        book = eyes().book
        if book is not None:
            add, add_time, add_statements, add_wait = book.group(
                (trace.shop, endpoint, method, CLASSES.get(status // 100, "other")), _figures
            )
            add()
            add_time(took_s)
            add_statements(trace.statements)
            add_wait(trace.sql_ns / 1e9)
        if tells_lines and (endpoint not in QUIET or status >= 400) and log.isEnabledFor(logging.INFO):
            facts: dict[str, Any] = {
                "method": method,
                "endpoint": endpoint,
                "status": status,
                "ms": round(took_s * 1000, 1),
                "statements": trace.statements,
                "sql_ms": round(trace.sql_ns / 1e6, 1),
                "bytes": response.calculate_content_length() or 0,
            }
            if tells_networks:
                facts["network"] = network_of(request.remote_addr or "")
            record = logging.LogRecord(log.name, logging.INFO, "", 0, "request", (), None)  # log.info would look for the line of code
            record.facts = facts
            log.handle(record)
        if trace.span is not None:
            trace.span.describe(method, endpoint, str(request.url_rule or ""), status, trace)
        return response

    return tell


def _figures(shop: str, endpoint: str, method: str, status: str) -> tuple[tuple[Counter | Spread, tuple[str, ...]], ...]:
    """What every request counts."""
    place = (shop, endpoint)
    return (REQUESTS, (*place, method, status)), (REQUEST_SECONDS, place), (STATEMENTS, place), (STATEMENT_SECONDS, place)


def network_of(address: str) -> str:
    """The network that an address lies in, too large to point at a household: /24 of IPv4, /48 of IPv6; "" for what is no address."""
    from ipaddress import IPv6Address, ip_address, ip_network

    try:
        found = ip_address(address.partition("%")[0])
    except ValueError:
        return ""
    found = (found.ipv4_mapped or found) if isinstance(found, IPv6Address) else found
    return str(ip_network(f"{found}/{24 if found.version == 4 else 48}", strict=False))
