"""Signatures by which a receiver knows that a message is from this shop, whole and fresh.

Source: Standard Webhooks, 1.0.0: ``webhook-id``, ``webhook-timestamp`` and ``webhook-signature`` with HMAC-SHA256 over ``id.timestamp.body``; several
signatures with a space between while a secret is changed.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Sequence
from datetime import datetime

from flask import current_app

BEGINNING = "whsec_"


def secret_of(salt: str) -> str:
    """The secret as its receiver is shown it. A new ``SECRET_KEY`` of the shop makes other secrets."""
    return BEGINNING + base64.b64encode(_key(salt)).decode()


def _key(salt: str) -> bytes:
    own = str(current_app.config["SECRET_KEY"]).encode()
    return hmac.new(own, b"webhook:" + salt.encode(), hashlib.sha256).digest()


def signed_headers(message_id: str, body: bytes, *, salts: Sequence[str], at: datetime) -> dict[str, str]:
    """The three headers; a signature for each salt that counts."""
    moment = str(int(at.timestamp()))
    content = b".".join((message_id.encode(), moment.encode(), body))
    signatures = [base64.b64encode(hmac.new(_key(salt), content, hashlib.sha256).digest()).decode() for salt in salts]
    return {
        "webhook-id": message_id,
        "webhook-timestamp": moment,
        "webhook-signature": " ".join(f"v1,{signature}" for signature in signatures),
    }
