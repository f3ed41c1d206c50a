"""The test bank behind HTTP, as the shop sees it: the same acts as its books, and ``NoAnswer`` when the wire is silent."""

from __future__ import annotations

import http.client
import json
from datetime import datetime
from typing import Any
from urllib.parse import quote, urlsplit

from shop.observe.trace import request_id
from shop.payment.gateways.base import Asked, NoAnswer
from shop.payment.test_bank.books import Charge, KeyReused, Overdrawn, PaidBack
from shop.web.locale import absolute_url

LONGEST = 1024 * 1024
PIECE = 1000
OK, NOT_FOUND, CONFLICT, UNPROCESSABLE = 200, 404, 409, 422


class RemoteBank:
    """Asks the server at ``url``; waits ``timeout_s`` for each answer."""

    def __init__(self, url: str, *, timeout_s: int) -> None:
        self.parts = urlsplit(url)
        self.timeout_s = timeout_s

    def open(self, asked: Asked, *, captures_at_once: bool = True, at: datetime) -> Charge:  # noqa: ARG002
        wanted = {
            "number": asked.number,
            "amount_minor": asked.amount_minor,
            "currency": asked.currency,
            "return_url": absolute_url(asked.return_url),
            "notify_url": absolute_url(asked.notify_url),
            "locale": asked.locale,
            "captures_at_once": captures_at_once,
        }
        return Charge.load(self._ask("POST", "/v1/charges", wanted, key=asked.key) or {})

    def find(self, key: str, *, at: datetime | None = None) -> Charge | None:  # noqa: ARG002
        return self._charge("GET", f"/v1/charges/{quote(key)}")

    def capture(self, key: str, *, at: datetime) -> Charge | None:  # noqa: ARG002
        return self._charge("POST", f"/v1/charges/{quote(key)}/capture")

    def void(self, key: str, *, at: datetime) -> Charge | None:  # noqa: ARG002
        return self._charge("POST", f"/v1/charges/{quote(key)}/void")

    def refund(self, key: str, amount_minor: int, refund_key: str, *, at: datetime | None = None) -> PaidBack:  # noqa: ARG002
        answer = self._ask("POST", f"/v1/charges/{quote(key)}/refunds", {"amount_minor": amount_minor}, key=refund_key)
        if answer is None:
            raise Overdrawn(refund_key)
        return PaidBack(**answer)

    def ledger(self) -> list[dict[str, Any]]:
        """Every capture and refund, oldest first, read in pieces."""
        found: list[dict[str, Any]] = []
        while True:
            last = found[-1]["id"] if found else 0
            more = (self._ask("GET", f"/ledger?after={last}&most={PIECE}", None) or {}).get("entries", [])
            found += more
            if len(more) < PIECE:
                return found

    def _charge(self, method: str, path: str) -> Charge | None:
        answer = self._ask(method, path, {} if method == "POST" else None)
        return Charge.load(answer) if answer is not None else None

    def _ask(self, method: str, path: str, body: dict[str, Any] | None, *, key: str = "") -> dict[str, Any] | None:
        """What the bank says; None when it knows nothing of it.

        Raises:
            NoAnswer: it said nothing, or nothing that can be understood.
            KeyReused, Overdrawn: it refused.
        """
        secure = self.parts.scheme == "https"
        kind = http.client.HTTPSConnection if secure else http.client.HTTPConnection
        link = kind(self.parts.netloc, timeout=self.timeout_s)
        headers = {"Content-Type": "application/json", "X-Request-ID": request_id(), **({"Idempotency-Key": key} if key else {})}
        try:
            link.request(method, f"{self.parts.path.rstrip('/')}{path}", json.dumps(body) if body is not None else None, headers)
            response = link.getresponse()
            said = json.loads(response.read(LONGEST))
        except (OSError, http.client.HTTPException, ValueError) as error:
            raise NoAnswer(f"the test bank: {error}") from error
        finally:
            link.close()
        if response.status == OK and isinstance(said, dict):
            return said
        if response.status == NOT_FOUND:
            return None
        if response.status == CONFLICT:
            raise KeyReused(key)
        if response.status == UNPROCESSABLE:
            raise Overdrawn(key)
        raise NoAnswer(f"the test bank answered {response.status}")
