"""Is the shop ready for visitors? For the health check of a container: ``python deploy/healthy.py 127.0.0.1:8000`` or ``… /run/bodega/gunicorn.sock``.

Exits with 0 when ``/readyz`` says so there, else with 1 and what it said. Needs nothing but Python.
"""

from __future__ import annotations

import http.client
import socket
import sys

PATIENCE_S = 4


def ask(address: str) -> tuple[int, str]:
    """Status and words of ``/readyz``; ``address`` is a host with a port, or the path of a unix socket.

    Raises:
        OSError: nobody answers there.
    """
    connection = http.client.HTTPConnection("localhost", timeout=PATIENCE_S)
    if address.startswith("/"):
        connection.sock = socket.socket(socket.AF_UNIX)
        connection.sock.settimeout(PATIENCE_S)
        connection.sock.connect(address)
    else:
        host, _, port = address.rpartition(":")
        connection.sock = socket.create_connection((host, int(port)), timeout=PATIENCE_S)
    connection.request("GET", "/readyz")
    response = connection.getresponse()
    said = response.status, response.read(10_000).decode(errors="replace")
    connection.close()
    return said


if __name__ == "__main__":
    try:
        status, words = ask(sys.argv[1])
    except (OSError, http.client.HTTPException) as problem:
        sys.exit(f"not ready: {problem}")
    if status != http.HTTPStatus.OK:
        sys.exit(f"not ready: {status} {words}")
    print(words)
