"""What a backup says of itself, before anything of it is taken."""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any

from shop.backup import BackupProblem

FORMAT, FORMAT_VERSION = "bodega-backup", 1
LEFT_OUT = {
    "secret key": "without it sessions, links in mails, one-time links and the keys of authenticator apps are void; --with-secrets takes it along",
    "settings of the machine": "the environment and .env: addresses, passwords and keys of mail, gateways and other services",
    "what can be made again": "the folders assets, cache and mail, and the test bank's books",
}


@dataclass(frozen=True, kw_only=True, slots=True)
class Manifest:
    """``schema`` is the revision of the tables; ``rows`` counts them by table; ``size_b`` is that of the whole file; ``sums_sha256`` is the hash of its
    list of hashes. ``secret_mark`` says whether two secrets are the same and nothing else. ``missing`` names pictures whose files were gone already.
    """

    shop_version: str
    schema: str
    made_at: str
    database: str
    currency: str
    country: str
    locales: list[str]
    rows: dict[str, int]
    files: int
    has_secret: bool
    secret_mark: str
    left_out: dict[str, str]
    missing: list[str]
    size_b: int = 0
    sums_sha256: str = ""

    def dump(self) -> bytes:
        """As JSON."""
        said = {"format": FORMAT, "format_version": FORMAT_VERSION, **asdict(self)}
        return json.dumps(said, indent=1, ensure_ascii=False).encode()


def parse(content: bytes) -> Manifest:
    """Read it strictly.

    Raises:
        BackupProblem: it is none, or one that a newer shop wrote.
    """
    try:
        said = json.loads(content)
    except (ValueError, RecursionError):
        said = None
    if not isinstance(said, dict) or said.pop("format", None) != FORMAT:
        raise BackupProblem("This is no backup of a shop: its manifest is none.")
    version = said.pop("format_version", None)
    if version != FORMAT_VERSION:
        raise BackupProblem(
            f"A backup of the form {version!r} is not known here, only {FORMAT_VERSION}. "
            "Use the version of the shop that wrote it, or a newer one."
        )
    kinds = {"int": int, "bool": bool, "str": str, "list[str]": list, "dict[str, int]": dict, "dict[str, str]": dict}
    wanted = {field.name: kinds[str(field.type)] for field in fields(Manifest)}
    if said.keys() != wanted.keys() or not all(type(said[name]) is kind for name, kind in wanted.items()) or not _counts(said["rows"]):
        raise BackupProblem("The manifest of the backup was changed: it does not say what it must.")
    return Manifest(**said)


def _counts(rows: Mapping[Any, Any]) -> bool:
    return all(type(count) is int and count >= 0 for count in rows.values())


def mark_of(secret: str) -> str:
    """Tells two secrets apart without telling either."""
    return hmac.new(secret.encode(), b"bodega backup", hashlib.sha256).hexdigest()[:16]
