"""Signed messages from the test bank to shops: sent from a thread of their own, sent again until the shop says that it has them."""

from __future__ import annotations

import http.client
import json
import logging
import threading
import time
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlsplit

from shop.payment.signatures import HEADER, sign
from shop.payment.test_bank.behavior import Behavior
from shop.payment.test_bank.books import TestBank

log = logging.getLogger(__name__)

TRIES = 8
FIRST_PAUSE_S, LONGEST_PAUSE_S = 1, 30
TIMEOUT_S = 15
TICK_MS = 50
FINE = range(200, 300)


class Messenger:
    """Watches the books for events and sends each as the behavior says."""

    def __init__(self, bank: TestBank, behavior: Behavior, secrets: list[str]) -> None:
        self.bank, self.behavior, self.secrets = bank, behavior, secrets
        self.place = max((place for place, _event in bank.events_after(0)), default=0)

    def start(self) -> None:
        threading.Thread(target=self._watch, daemon=True, name="test-bank-messages").start()

    def _watch(self) -> None:
        while True:
            time.sleep(TICK_MS / 1000)
            for place, event in self.bank.events_after(self.place):
                self.place = place
                for delay_s in self.behavior.message_delays_s() if event["charge"].notify_url else []:
                    threading.Timer(delay_s, self._send, (event,)).start()

    def _send(self, event: dict[str, Any]) -> None:
        charge = event["charge"]
        body = json.dumps(
            {
                "id": event["id"],
                "kind": event["kind"],
                "is_live": False,
                "charge": {"key": charge.key, "reference": charge.reference, "truth": charge.truth, "amount_minor": charge.amount_minor},
            }
        ).encode()
        pause_s = FIRST_PAUSE_S
        for _try in range(TRIES):
            if self._post(charge.notify_url, body):
                return
            time.sleep(pause_s)
            pause_s = min(pause_s * 2, LONGEST_PAUSE_S)
        log.warning("the message %s was never taken", event["id"])

    def _post(self, url: str, body: bytes) -> bool:
        parts = urlsplit(url)
        kind = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
        headers = {"Content-Type": "application/json", HEADER: sign(body, self.secrets, at=datetime.now(UTC))}
        link = kind(parts.netloc, timeout=TIMEOUT_S)
        try:
            link.request("POST", parts.path or "/", body, headers)
            return link.getresponse().status in FINE
        except (OSError, http.client.HTTPException):
            return False
        finally:
            link.close()
