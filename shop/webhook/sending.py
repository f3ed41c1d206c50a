"""One request to a receiver: to a checked address, within one deadline for all of it, no redirect followed, the beginning of the answer read."""

from __future__ import annotations

import http.client
import socket
import ssl
import threading
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from shop.webhook.addresses import AddressRefused, NoAddress, Target, find_target

READ_BYTES = 2000
KEPT_CHARS = 500
GONE = 410


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one try. ``status`` is None where nobody answered; then ``error`` says why. ``answer`` is the beginning of the body as text."""

    status: int | None
    took_ms: int
    error: str = ""
    answer: str = ""

    @property
    def is_good(self) -> bool:
        """The receiver took it."""
        return self.status is not None and 200 <= self.status < 300

    @property
    def is_gone(self) -> bool:
        """The receiver wants nothing any more."""
        return self.status == GONE

    @property
    def why(self) -> str:
        """What went wrong, in one line."""
        return self.error or f"answered {self.status}"


class _Watched:
    """The stream of an answer, and its last line: http.client takes headers that break off for whole ones."""

    def __init__(self, stream: Any) -> None:
        self.stream, self.last_line = stream, b""

    def readline(self, limit: int = -1) -> bytes:
        self.last_line = self.stream.readline(limit)
        return self.last_line

    def __getattr__(self, name: str) -> Any:
        return getattr(self.stream, name)


class _Response(http.client.HTTPResponse):
    """An answer whose headers came whole."""

    def begin(self) -> None:
        stream = _Watched(self.fp)
        self.fp = stream  # type: ignore[assignment]
        super().begin()
        if stream.last_line not in {b"\r\n", b"\n"}:
            raise http.client.HTTPException("the answer broke off")


class _Connection(http.client.HTTPConnection):
    """A connection that is there already: nothing is resolved and no proxy is asked."""

    response_class = _Response

    def __init__(self, target: Target, link: socket.socket, timeout_s: float) -> None:
        super().__init__(target.host, target.port, timeout=timeout_s)
        self.sock = link


def send(url: str, body: bytes, headers: Mapping[str, str], *, named_hosts: frozenset[str], timeout_s: float) -> Outcome:
    """POST ``body``. Whatever goes wrong is an outcome, nothing is raised; it takes ``timeout_s`` and a moment at most."""
    began = time.monotonic()
    try:
        target = find_target(url, named_hosts=named_hosts, timeout_s=timeout_s)
        status, answer = _ask(target, body, headers, until=began + timeout_s)
    except (AddressRefused, NoAddress) as refusal:
        return Outcome(None, _since(began), error=str(refusal))
    except (OSError, http.client.HTTPException, ValueError) as error:
        is_late = time.monotonic() - began >= timeout_s - 0.01
        return Outcome(None, _since(began), error=f"no answer within {timeout_s:g} s" if is_late else _words(error))
    if 300 <= status < 400:
        return Outcome(status, _since(began), error=f"answered {status}; redirects are not followed", answer=answer)
    return Outcome(status, _since(began), answer=answer)


def _since(began: float) -> int:
    return int((time.monotonic() - began) * 1000)


def _words(error: Exception) -> str:
    return f"{type(error).__name__}: {error}"[:300]


def _ask(target: Target, body: bytes, headers: Mapping[str, str], *, until: float) -> tuple[int, str]:
    with _connect(target, until) as link:
        # Each read has a time-out of its own; who sends a byte now and then would outlast them all.
        hanging_up = threading.Timer(_left(until), _hang_up, [link])
        hanging_up.daemon = True
        hanging_up.start()
        try:
            if isinstance(link, ssl.SSLSocket):
                link.do_handshake()
            connection = _Connection(target, link, _left(until))
            connection.putrequest("POST", target.path, skip_host=True, skip_accept_encoding=True)
            for name, value in {"Host": target.authority, "Content-Length": str(len(body)), "Connection": "close", **headers}.items():
                connection.putheader(name, value)
            connection.endheaders(body)
            response = connection.getresponse()
            return response.status, _beginning(response)
        finally:
            hanging_up.cancel()


def _connect(target: Target, until: float) -> socket.socket:
    link = socket.socket(socket.AF_INET6 if ":" in target.address else socket.AF_INET)
    try:
        link.settimeout(_left(until))
        link.connect((target.address, target.port))
        if not target.is_tls:
            return link
        return ssl.create_default_context().wrap_socket(link, server_hostname=target.host, do_handshake_on_connect=False)
    except BaseException:
        link.close()
        raise


def _left(until: float) -> float:
    return max(until - time.monotonic(), 0.001)


def _hang_up(link: socket.socket) -> None:
    with suppress(OSError):
        socket.socket.shutdown(link, socket.SHUT_RDWR)


def _beginning(response: http.client.HTTPResponse) -> str:
    """The first characters of the answer. A body that breaks off takes nothing from the status that came before it."""
    try:
        said = response.read(READ_BYTES)
    except (OSError, http.client.HTTPException):
        return ""
    text = said.decode("utf-8", "replace").replace("\0", "")
    return "".join(char if char.isprintable() or char in "\n\t" else "�" for char in text)[:KEPT_CHARS]
