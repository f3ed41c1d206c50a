"""A receiver of webhooks on loopback, well behaved or not, by the path that is asked: ``/ok`` ``/500`` ``/410`` ``/moved`` ``/slow`` ``/drip`` ``/cut``
``/nonsense`` ``/endless``."""

from __future__ import annotations

import socketserver
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field

STEP_S = 0.05
MOST_STEPS = 400


@dataclass
class Message:
    """One request as it came."""

    path: str
    headers: dict[str, str]
    body: bytes


@dataclass
class Receiver:
    """``url`` without a slash at its end; ``messages`` in the order in which they came; ``answers`` overrules paths by a status."""

    url: str
    messages: list[Message] = field(default_factory=list)
    answers: dict[str, int] = field(default_factory=dict)
    leaving: threading.Event = field(default_factory=threading.Event)

    def forget(self) -> None:
        self.messages.clear()
        self.answers.clear()


def read_message(link: object) -> Message | None:
    line = link.readline(65_537).decode("latin-1")
    if not line:
        return None
    headers = {}
    while (text := link.readline(65_537).decode("latin-1").strip()) != "":
        name, _, value = text.partition(":")
        headers[name.strip().lower()] = value.strip()
    return Message(line.split(" ")[1], headers, link.read(int(headers.get("content-length", 0))))


def whole(status: int, body: bytes = b"thanks", *more: str) -> bytes:
    head = [f"HTTP/1.1 {status} Fine", f"Content-Length: {len(body)}", "Connection: close", *more]
    return "\r\n".join(head).encode() + b"\r\n\r\n" + body


@contextmanager
def serve_receiver() -> Iterator[Receiver]:
    """The receiver on a free port of loopback."""
    receiver = Receiver("")

    class Handler(socketserver.StreamRequestHandler):
        def handle(self) -> None:
            message = read_message(self.rfile)
            if message is not None:
                receiver.messages.append(message)
                answer = BEHAVIORS.get(message.path, lambda _receiver, write: write(whole(200)))
                status = receiver.answers.get(message.path)
                with suppress(OSError):  # who asked has left
                    answer(receiver, self.wfile.write) if status is None else self.wfile.write(whole(status))

    class Server(socketserver.ThreadingTCPServer):
        daemon_threads = True
        allow_reuse_address = True

    with Server(("127.0.0.1", 0), Handler) as server:
        receiver.url = f"http://127.0.0.1:{server.server_address[1]}"
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        thread.start()
        yield receiver
        receiver.leaving.set()
        server.shutdown()
        thread.join()


Write = Callable[[bytes], object]


def _slow(receiver: Receiver, write: Write) -> None:
    receiver.leaving.wait(STEP_S * MOST_STEPS)
    write(whole(200))


def _drip(receiver: Receiver, write: Write) -> None:
    """A header that never ends, a byte at a time: each read is answered in time."""
    write(b"HTTP/1.1 200 OK\r\nX-Long: ")
    for _step in range(MOST_STEPS):
        if receiver.leaving.wait(STEP_S):
            return
        write(b"a")


def _endless(receiver: Receiver, write: Write) -> None:
    write(b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n")
    while not receiver.leaving.is_set():
        write(b"<script>\0" * 10_000)


BEHAVIORS: dict[str, Callable[[Receiver, Write], object]] = {
    "/500": lambda _receiver, write: write(whole(500, b"out of order")),
    "/410": lambda _receiver, write: write(whole(410, b"gone")),
    "/moved": lambda receiver, write: write(whole(302, b"", f"Location: {receiver.url}/ok")),
    "/cut": lambda _receiver, write: write(b"HTTP/1.1 200 OK\r\nContent-Le"),
    "/nonsense": lambda _receiver, write: write(b"\x16\x03\x01 what?\r\n\r\n"),
    "/slow": _slow,
    "/drip": _drip,
    "/endless": _endless,
}
