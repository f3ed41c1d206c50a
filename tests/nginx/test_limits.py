"""What one visitor may ask of the shop: size, time and number. Each is tried on a real nginx with shortened times."""

from __future__ import annotations

import contextlib
import socket
import time
from collections.abc import Callable, Iterator

import pytest

from tests.nginx.test_cache import nginx_before_upstream
from tests.servers import Server

pytestmark = pytest.mark.nginx
TIMES = {"client_header_timeout": "1s", "client_body_timeout": "1s"}


@pytest.fixture(scope="module")
def nginx(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with nginx_before_upstream(tmp_path_factory.mktemp("nginx"), **TIMES) as server:
        yield server


Say = Callable[[str], socket.socket]


@pytest.fixture
def say(nginx: Server) -> Iterator[Say]:
    """Open a connection and send exactly this; all are closed when the test ends."""
    connections = []

    def opened(text: str) -> socket.socket:
        connections.append(socket.create_connection(("127.0.0.1", nginx.port), timeout=10))
        connections[-1].sendall(text.encode())
        return connections[-1]

    yield opened
    for connection in connections:
        connection.close()


def is_closed_within(connection: socket.socket, seconds: float) -> bool:
    connection.settimeout(seconds)
    try:
        while connection.recv(4096):
            pass
    except TimeoutError:
        return False
    except ConnectionError:
        return True
    return True


def test_a_body_over_a_megabyte_is_refused_before_the_shop_sees_it(say: Say) -> None:
    connection = say(f"POST /cart/items HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: {2**20 + 1}\r\n\r\n")

    assert connection.recv(4096).startswith(b"HTTP/1.1 413")


def test_a_body_of_a_megabyte_passes(nginx: Server) -> None:
    assert nginx.ask("POST", "/silent", body=b"x" * 2**20).status == 200


def test_staff_may_send_more(nginx: Server) -> None:
    assert nginx.ask("POST", "/admin/import", body=b"x" * 8 * 2**20).status == 200
    assert nginx.ask("POST", "/es/admin/products/7/pictures", body=b"x" * 8 * 2**20).status == 200
    assert nginx.ask("POST", "/api/v1/products/7/images", body=b"x" * 8 * 2**20).status == 200


def test_a_body_of_unsaid_length_is_limited_too(say: Say) -> None:
    connection = say("POST /cart/items HTTP/1.1\r\nHost: 127.0.0.1\r\nTransfer-Encoding: chunked\r\n\r\n")
    chunk = b"10000\r\n" + b"x" * 0x10000 + b"\r\n"
    with contextlib.suppress(ConnectionError):
        for _ in range(20):
            connection.sendall(chunk)

    assert connection.recv(4096).startswith(b"HTTP/1.1 413")


def test_endless_headers_are_refused(say: Say) -> None:
    connection = say("GET / HTTP/1.1\r\nHost: 127.0.0.1\r\n" + "".join(f"X-{n}: {'y' * 6000}\r\n" for n in range(8)) + "\r\n")

    assert connection.recv(4096).startswith(b"HTTP/1.1 400")


def test_who_never_ends_the_headers_is_hung_up_on(say: Say) -> None:
    connection = say("GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nX-Wait: ")

    assert is_closed_within(connection, 4)


def test_who_never_sends_the_body_is_hung_up_on(say: Say) -> None:
    connection = say("POST /cart/items HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 1000\r\n\r\nx")

    assert is_closed_within(connection, 4)


def test_a_hundred_dawdlers_do_not_keep_others_waiting(nginx: Server, say: Say) -> None:
    head = "POST /silent HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 1000\r\n\r\n"
    for dawdle in ["GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nX-Wait: "] * 100 + [head] * 40:
        say(dawdle)

    answer = nginx.get("/silent")

    assert answer.status == 200


def test_one_visitor_cannot_take_all_connections(nginx: Server, say: Say) -> None:
    head = "POST /silent HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 1000\r\n\r\n"
    for _ in range(64):
        say(head)
    time.sleep(0.2)

    answer = nginx.get("/silent")

    assert answer.status == 429


@pytest.mark.parametrize(
    "smuggled",
    [
        "POST / HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nGET /x",
        "POST / HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nabcdef",
        "POST / HTTP/1.1\r\nHost: 127.0.0.1\r\nTransfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nHost: evil.test\r\n\r\n",
        "GET / HTTP/1.1\r\n\r\n",
    ],
)
def test_a_request_with_two_meanings_is_refused(say: Say, smuggled: str) -> None:
    answer = say(smuggled).recv(4096)

    assert answer[:12] in {b"HTTP/1.1 400", b"HTTP/1.1 501", b""}
