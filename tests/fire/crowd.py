"""Hundreds of buyers in one process: plain HTTP over asyncio, one connection for each request."""

from __future__ import annotations

import asyncio
import json
import re
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode

PATIENCE_S = 90
FIELD = re.compile(r'name="(cart|shown)"[^>]*value="([^"]*)"')  # what the checkout's page knows of what it showed
ADDRESS = {"name": "Ana Ruiz", "line1": "Calle Feria 18", "city": "Sevilla", "postcode": "41003", "region": "SE", "country": "ES"}


@dataclass(frozen=True)
class Reply:
    """What came back; ``status`` 0 when nobody answered."""

    status: int
    headers: list[tuple[str, str]] = field(default_factory=list)
    text: str = ""
    took_s: float = 0.0

    def header(self, name: str) -> str:
        return next((value for key, value in self.headers if key == name), "")

    @property
    def json(self) -> Any:
        return json.loads(self.text)

    @property
    def cookies(self) -> dict[str, str]:
        pairs = [value.partition(";")[0].partition("=") for name, value in self.headers if name == "set-cookie"]
        return {name: value for name, _, value in pairs}


class Refusal(Exception):
    """The shop said no before it came to what is tested; ``reply`` is what it said."""

    def __init__(self, reply: Reply) -> None:
        super().__init__(f"{reply.status}: {reply.text[:300]}")
        self.reply = reply


async def ask(
    port: int,
    method: str,
    path: str,
    *,
    form: dict[str, Any] | None = None,
    said: Any = None,
    cookies: dict[str, str] | None = None,
    **headers: str,
) -> Reply:
    """One request; the connection is closed afterwards."""
    body = urlencode(form).encode() if form is not None else json.dumps(said).encode() if said is not None else b""
    lines = [f"{method} {path} HTTP/1.1", f"Host: 127.0.0.1:{port}", "Connection: close", f"Content-Length: {len(body)}"]
    if body:
        lines.append(f"Content-Type: application/{'x-www-form-urlencoded' if form is not None else 'json'}")
    if cookies:
        lines.append("Cookie: " + "; ".join(f"{name}={value}" for name, value in cookies.items()))
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    began = time.monotonic()
    try:
        raw = await asyncio.wait_for(_send(port, ("\r\n".join(lines) + "\r\n\r\n").encode() + body), PATIENCE_S)
    except (OSError, TimeoutError, asyncio.IncompleteReadError):
        raw = b""
    return _read(raw, time.monotonic() - began)


async def _send(port: int, request: bytes) -> bytes:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        writer.write(request)
        await writer.drain()
        return await reader.read()
    finally:
        writer.close()


def _read(raw: bytes, took_s: float) -> Reply:
    """An answer that was cut off is none."""
    head, parted, body = raw.partition(b"\r\n\r\n")
    lines = head.decode("latin-1").split("\r\n")
    if not parted or len(lines[0].split()) < 2:
        return Reply(0, took_s=took_s)
    headers = [(name.lower(), value.strip()) for name, _, value in (line.partition(":") for line in lines[1:])]
    length = next((int(value) for name, value in headers if name == "content-length"), None)
    if length is not None and len(body) < length:
        return Reply(0, took_s=took_s)
    if ("transfer-encoding", "chunked") in headers:
        body = _unchunked(body)
    return Reply(int(lines[0].split()[1]), headers, body.decode("utf-8", "replace"), took_s)


def _unchunked(body: bytes) -> bytes:
    found = b""
    while body:
        size, _, body = body.partition(b"\r\n")
        count = int(size or b"0", 16)
        found, body = found + body[:count], body[count + 2 :]
    return found


async def with_a_cart(port: int, lines: Sequence[tuple[int, int]]) -> dict[str, str]:
    """A visitor who has put (variant, pieces) into a cart: the cookies."""
    cookies: dict[str, str] = {}
    for variant_id, pieces in lines:
        reply = await ask(port, "POST", "/api/v1/cart/items", said={"variant_id": variant_id, "quantity": pieces}, cookies=cookies)
        if reply.status != 201:
            raise Refusal(reply)
        cookies |= reply.cookies
    return cookies


def order_form(email: str, payment_method: str) -> dict[str, str]:
    """The checkout's form as a browser without JavaScript sends it."""
    address = {f"shipping-{name}": value for name, value in ADDRESS.items()}
    return {"email": email, **address, "shipping_method": "standard", "payment_method": payment_method, "accepts_terms": "y"}


def order_body(email: str, payment_method: str) -> dict[str, Any]:
    """The same for programs."""
    return {
        "email": email,
        "shipping_address": ADDRESS,
        "shipping_method": "standard",
        "payment_method": payment_method,
        "accepts_terms": True,
    }


async def at_the_checkout(port: int, lines: Sequence[tuple[int, int]], email: str) -> tuple[dict[str, str], dict[str, str]]:
    """A visitor whose checkout page is filled and not yet sent: its form, and the cookies."""
    cookies = await with_a_cart(port, lines)
    page = await ask(port, "GET", "/checkout", cookies=cookies)
    return order_form(email, "bank_transfer") | dict(FIELD.findall(page.text)), cookies | page.cookies


async def limited(acts: Sequence[Any], most: int) -> list[Any]:
    """Do all of them, so many at a time."""
    gate = asyncio.Semaphore(most)

    async def one(act: Any) -> Any:
        async with gate:
            return await act

    return list(await asyncio.gather(*(one(act) for act in acts)))
