"""The test bank behind HTTP, for tests: its real server in a thread of this process, with books to look into."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from werkzeug.serving import WSGIRequestHandler, make_server

from shop.payment.test_bank.behavior import Behavior
from shop.payment.test_bank.books import TestBank
from shop.payment.test_bank.messages import Messenger
from shop.payment.test_bank.server import create_bank


@dataclass
class Bank:
    """A running bank: where it listens, its books, how it behaves."""

    url: str
    books: TestBank
    behavior: Behavior


class Quiet(WSGIRequestHandler):
    def log_request(self, code: object = "-", size: object = "-") -> None:
        pass


@contextmanager
def running_bank(path: Path, *, secrets: Sequence[str] = ("s",), sends: bool = False) -> Iterator[Bank]:
    """The bank on a free port of loopback; with ``sends`` it sends its messages as well."""
    behavior = Behavior(silence_ms=1)
    app = create_bank(path, behavior)
    server = make_server("127.0.0.1", 0, app, threaded=True, request_handler=Quiet)
    if sends:
        Messenger(app.extensions["bank"], behavior, list(secrets)).start()
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield Bank(f"http://127.0.0.1:{server.server_port}", app.extensions["bank"], behavior)
    finally:
        server.shutdown()
        server.server_close()
