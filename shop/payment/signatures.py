"""Signed messages: ``t=<seconds>,v1=<HMAC-SHA256 of "t.body">``, the form that Stripe made usual. Several ``v1`` while a secret is changed.

Source: https://docs.stripe.com/webhooks#verify-manually
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Sequence
from datetime import datetime

from shop.payment.gateways.base import Forged

HEADER = "Gateway-Signature"
TOLERANCE_S = 300
LONGEST = 1000


def sign(body: bytes, secrets: Sequence[str], *, at: datetime) -> str:
    """The header for a message sent ``at``, by each of the secrets."""
    second = str(int(at.timestamp()))
    return ",".join([f"t={second}", *(f"v1={_digest(body, second, secret)}" for secret in secrets)])


def check(body: bytes, header: str, secrets: Sequence[str], *, at: datetime) -> None:
    """Refuse what none of the secrets signed, and what was signed too long ago or too far ahead.

    Raises:
        Forged: says no more than that.
    """
    parts = [part.partition("=")[::2] for part in header[:LONGEST].split(",")]
    seconds = [value for name, value in parts if name.strip() == "t"]
    if len(seconds) != 1 or not (seconds[0].isascii() and seconds[0].isdigit()) or len(seconds[0]) > len("9999999999"):
        raise Forged("no time")
    given = [value for name, value in parts if name.strip() == "v1" and value.isascii()]
    wanted = [_digest(body, seconds[0], secret) for secret in secrets]
    matches = [hmac.compare_digest(one, other) for one in given for other in wanted]
    if not any(matches):
        raise Forged("no signature fits")
    if abs(int(at.timestamp()) - int(seconds[0])) > TOLERANCE_S:
        raise Forged("too old")


def _digest(body: bytes, second: str, secret: str) -> str:
    return hmac.new(secret.encode(), second.encode() + b"." + body, hashlib.sha256).hexdigest()
