"""Where Prometheus asks: a door of its own, which the web server never opens to visitors.

Each process that counts listens at the same address (SO_REUSEPORT): the system picks one of those that live, whichever was killed, and each can tell
the sums of all. On loopback anybody on the machine may ask; elsewhere a token is wanted.
"""

from __future__ import annotations

import hmac
import logging
import os
import socket
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import TYPE_CHECKING, Any

from flask import Flask

from shop.observe.book import Book
from shop.observe.figures import PROCESSES, Gauge
from shop.observe.process import eyes
from shop.observe.watch import read_all

if TYPE_CHECKING:
    from config_observe import Observe

log = logging.getLogger(__name__)
PATIENCE_S = 5


class Door(HTTPServer):
    """Answers one after another."""

    allow_reuse_address = allow_reuse_port = True
    request_queue_size = 16

    def __init__(self, settings: Observe, book: Book, apps: tuple[Flask, ...]) -> None:
        self.token, self.book, self.apps = settings.figures_token, book, apps
        self.address_family = socket.AF_INET6 if ":" in settings.figures_host else socket.AF_INET
        super().__init__((settings.figures_host, settings.figures_port), _Asked)

    def server_bind(self) -> None:
        """Without looking up the name of the address, as the library would."""
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        self.socket.bind(self.server_address)
        self.server_address = self.socket.getsockname()
        self.server_name, self.server_port = str(self.server_address[0]), int(self.server_address[1])

    def handle_error(self, _request: Any, _client_address: Any) -> None:
        log.warning("a question for figures could not be answered", exc_info=True)

    def page(self) -> bytes:
        """All figures in Prometheus' text format: the sums of what is counted, and what is read just now."""
        from prometheus_client import CollectorRegistry, generate_latest

        registry = CollectorRegistry()
        registry.register(_Collected(self.book, self.apps))
        return generate_latest(registry)


class _Collected:
    """One answer's figures, as the library wants them handed over."""

    def __init__(self, book: Book, apps: tuple[Flask, ...]) -> None:
        self.book, self.apps = book, apps

    def collect(self) -> Iterator[Any]:
        from prometheus_client.core import GaugeMetricFamily

        yield from self.book.totals()
        families: dict[Gauge, Any] = {PROCESSES: GaugeMetricFamily(PROCESSES.name, PROCESSES.help, self.book.places.count_held())}
        for app in self.apps:
            for gauge, labels, value in read_all(app):
                if gauge not in families:
                    families[gauge] = GaugeMetricFamily(gauge.name, gauge.help, labels=("shop", *gauge.labels))
                families[gauge].add_metric(labels, value)
        yield from families.values()


class _Asked(BaseHTTPRequestHandler):
    timeout = PATIENCE_S
    server_version, sys_version = "Bodega", ""

    def do_GET(self) -> None:
        """``/metrics``, and nothing else."""
        door: Door = self.server  # type: ignore[assignment]
        if self.path.partition("?")[0] != "/metrics":
            self.send_error(404)
        elif door.token and not hmac.compare_digest(self.headers.get("Authorization", "").encode(), f"Bearer {door.token}".encode()):
            self.send_error(401)
        else:
            page = door.page()
            self.send_response(200)
            self.send_header("Content-Type", "text/plain; version=0.0.4; charset=utf-8")
            self.send_header("Content-Length", str(len(page)))
            self.end_headers()
            self.wfile.write(page)

    def log_message(self, *_args: Any) -> None:
        """Nobody wants a line for every question."""


def open_door(*apps: Flask) -> Door | None:
    """Answer Prometheus from this process on, in a thread, if it counts; gives the door. For workers, after their fork.

    An address that another program holds is told and stops nothing: the shop sells without figures.
    """
    book, settings = eyes().book, eyes().settings
    if book is None or settings is None:
        return None
    book.places.mine()
    try:
        door = Door(settings, book, apps)
    except OSError as problem:
        log.error("no figures at %s:%s: %s", settings.figures_host, settings.figures_port, os.strerror(problem.errno or 0))  # noqa: TRY400
        return None
    threading.Thread(target=door.serve_forever, name="figures", daemon=True).start()
    return door
