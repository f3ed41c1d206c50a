"""A passkey in software, for what no honest browser sends: ``Key().make(options)``, ``key.sign(options, origin="https://evil.test")``."""

from __future__ import annotations

import hashlib
import json
import secrets
from typing import Any

from cbor2 import dumps
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from webauthn.helpers import base64url_to_bytes, bytes_to_base64url

ORIGIN = "http://127.0.0.1:8000"
PRESENT, VERIFIED, ATTESTED = 0x01, 0x04, 0x40


class Key:
    """One key pair with its counter."""

    def __init__(self, rp_id: str = "127.0.0.1") -> None:
        self.rp_id, self.private, self.id, self.count = rp_id, ec.generate_private_key(ec.SECP256R1()), secrets.token_bytes(32), 0

    def make(self, options: dict[str, Any], **lies: Any) -> dict[str, Any]:
        """What a browser answers to ``credentials.create``."""
        numbers = self.private.public_key().public_numbers()
        public = dumps({1: 2, 3: -7, -1: 1, -2: numbers.x.to_bytes(32, "big"), -3: numbers.y.to_bytes(32, "big")})
        attested = bytes(16) + len(self.id).to_bytes(2, "big") + self.id + public
        seen = self._seen(PRESENT | VERIFIED | ATTESTED, **lies) + attested
        attestation = dumps({"fmt": "none", "attStmt": {}, "authData": seen})
        response = {"clientDataJSON": self._said("webauthn.create", options, **lies), "attestationObject": bytes_to_base64url(attestation)}
        return self._credential({**response, "transports": ["internal"]})

    def sign(self, options: dict[str, Any], *, flags: int = PRESENT | VERIFIED, **lies: Any) -> dict[str, Any]:
        """What a browser answers to ``credentials.get``."""
        self.count += 1
        said, seen = self._said("webauthn.get", options, **lies), self._seen(flags, **lies)
        signed = seen + hashlib.sha256(base64url_to_bytes(said)).digest()
        signature = self.private.sign(signed, ec.ECDSA(hashes.SHA256()))
        response = {"clientDataJSON": said, "authenticatorData": bytes_to_base64url(seen), "signature": bytes_to_base64url(signature)}
        return self._credential({**response, "userHandle": None})

    def _credential(self, response: dict[str, Any]) -> dict[str, Any]:
        name = bytes_to_base64url(self.id)
        return {"id": name, "rawId": name, "type": "public-key", "response": response, "clientExtensionResults": {}}

    def _said(self, kind: str, options: dict[str, Any], *, origin: str = ORIGIN, challenge: str = "", **_other: Any) -> str:
        said = {"type": kind, "challenge": challenge or options["challenge"], "origin": origin, "crossOrigin": False}
        return bytes_to_base64url(json.dumps(said).encode())

    def _seen(self, flags: int, *, count: int | None = None, rp_id: str = "", **_other: Any) -> bytes:
        return (
            hashlib.sha256((rp_id or self.rp_id).encode()).digest()
            + bytes([flags])
            + (self.count if count is None else count).to_bytes(4, "big")
        )
