"""The number of a request: whose word counts, and where it goes."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import pytest
from flask import Flask, g
from werkzeug.test import Client, EnvironBuilder

from shop.clock import now
from shop.db import row, transaction
from shop.mail.models import Mail
from shop.mail.senders import Letterhead
from shop.observe.requests import _Numbered, network_of
from shop.observe.spans import trace_id
from shop.observe.trace import current, following, request_id
from shop.outbox import Happened, subscribe
from shop.outbox.courier import deliver_due
from shop.outbox.models import Event
from shop.outbox.services import record_event
from shop.payment.test_bank.remote import RemoteBank

TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
PARENT = f"00-{TRACE}-00f067aa0ba902b7-01"


def number_of(*, is_behind_proxy: bool, **headers: str) -> str:
    """The number that a request with these headers gets."""
    seen: list[str] = []

    def inner(_environ: Any, start_response: Any) -> list[bytes]:
        seen.append(request_id())
        start_response("200 OK", [])
        return []

    environ = EnvironBuilder(headers={name.replace("_", "-"): value for name, value in headers.items()}).get_environ()
    Client(_Numbered(inner, "wine", is_behind_proxy=is_behind_proxy)).open(environ)
    assert current.get() is None
    return seen[0]


def test_only_a_proxy_of_ours_gives_numbers():
    assert number_of(is_behind_proxy=True, X_Request_ID="probe-1234") == "probe-1234"
    assert number_of(is_behind_proxy=False, X_Request_ID="probe-1234") != "probe-1234"
    assert number_of(is_behind_proxy=False, traceparent=PARENT) != TRACE


@pytest.mark.parametrize("forged", ["", "short", "x" * 65, "with space", "with\ttab", "<script>", "número-1234"])
def test_what_is_no_number_is_replaced(forged):
    made = number_of(is_behind_proxy=True, X_Request_ID=forged)

    assert len(made) == 16
    assert made != number_of(is_behind_proxy=True, X_Request_ID=forged)


def test_a_trace_that_a_proxy_opened_names_the_request():
    assert number_of(is_behind_proxy=True, traceparent=PARENT) == TRACE
    assert number_of(is_behind_proxy=True, traceparent=PARENT, X_Request_ID="probe-1234") == "probe-1234"
    assert number_of(is_behind_proxy=True, traceparent=f"00-{'0' * 32}-00f067aa0ba902b7-01") != "0" * 32


def test_the_trace_is_called_as_the_request():
    assert trace_id(TRACE) == int(TRACE, 16)
    assert f"{trace_id('969e9e95c1333243'):032x}".endswith("969e9e95c1333243")
    assert trace_id("probe-1234") == trace_id("probe-1234") != trace_id("probe-1235")
    assert trace_id("0" * 16) != 0


@pytest.mark.parametrize(
    ("address", "network"),
    [
        ("203.0.113.77", "203.0.113.0/24"),
        ("2001:db8:1:2::77", "2001:db8:1::/48"),
        ("::ffff:203.0.113.77", "203.0.113.0/24"),
        ("fe80::1%eth0", "fe80::/48"),
        ("", ""),
        ("nonsense", ""),
    ],
)
def test_a_network_is_too_large_to_point_at_a_household(address, network):
    assert network_of(address) == network


def test_an_event_keeps_the_number_until_it_is_delivered(context: Flask):
    heard: list[tuple[str, Happened]] = []
    subscribe(context, "test.happened", "test.hear", lambda event: heard.append((request_id(), event)))
    with following("probe-1234", "shop"), transaction():
        record_event("test.happened", "test:1", {}, at=now())

    deliver_due(at=now())

    assert [number for number, _ in heard] == ["probe-1234"]
    assert row(Event.__table__.select()).request_id == "probe-1234"


def test_one_line_tells_of_a_fact_once_it_is_committed(context: Flask, caplog: pytest.LogCaptureFixture):
    caplog.set_level(logging.INFO, logger="shop.fact")
    with pytest.raises(ZeroDivisionError), transaction():
        record_event("test.undone", "test:1", {}, at=now())
        raise ZeroDivisionError

    with transaction():
        record_event("test.done", "order:7", {"number": "B-7", "note": "canary"}, at=now())
        assert caplog.records == []

    assert [(line.getMessage(), line.facts) for line in caplog.records] == [("test.done", {"subject": "order:7", "number": "B-7"})]


def test_a_mail_carries_the_number(context: Flask):
    mail = Mail(id=7, recipient="ana@example.com", subject="Hello", text="Hello", html="<p>Hello</p>", locale="en", created_at=now())
    letterhead = Letterhead("hello@bodega.example", "bodega.example")

    with following("probe-1234", "shop"):
        assert letterhead.message(mail)["X-Request-ID"] == "probe-1234"
    assert letterhead.message(mail)["X-Request-ID"] is None


@pytest.fixture
def bank() -> Iterator[tuple[str, list[str | None]]]:
    """A bank that knows nothing, and the numbers that it was called with."""
    numbers: list[str | None] = []

    class Counter(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            numbers.append(self.headers.get("X-Request-ID"))
            self.send_response(404)
            self.send_header("Content-Length", "2")
            self.end_headers()
            self.wfile.write(b"{}")

        def log_message(self, *_: Any) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Counter) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}", numbers
        server.shutdown()


def test_the_bank_is_called_with_the_number(bank):
    url, numbers = bank

    with following("probe-1234", "shop"):
        RemoteBank(url, timeout_s=5).find("x")

    assert numbers == ["probe-1234"]


def test_pages_know_their_number(another_app: Callable[[], Flask]):
    app = another_app()

    @app.after_request
    def check(response: Any) -> Any:
        assert g.request_id == request_id()
        return response

    assert app.test_client().get("/healthz").headers["X-Request-ID"]
