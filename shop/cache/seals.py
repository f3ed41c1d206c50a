"""Names and seals: how several shops use one Redis and never meet, and why nothing is believed that somebody else put there.

A name begins with the shop's own (``SHOP_NAME``) and with a hash of its secret and its database; the rest is a keyed hash as well, so that a look into
Redis tells neither addresses nor networks. A value carries the state in which it was made (versions, prices: whatever decides how it looks) and a seal
over name, state and bytes. Damaged, foreign or forged ones fit to no seal and count as not there. Source: RFC 7693 (keyed BLAKE2).
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Sequence
from dataclasses import dataclass, fields, is_dataclass
from datetime import date
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from shop.cache.backend import HEAD

if TYPE_CHECKING:
    from config import Config

CODE = Path(__file__).resolve().parents[1]
SEAL = 16
MAKES_PAGES = {".py", ".html", ".mo", ".css", ".js", ".svg"}


class Label(NamedTuple):
    """Under which name something is kept, and the head that says in which state it was made."""

    name: str
    head: bytes


@dataclass(frozen=True, slots=True)
class Seals:
    """The names and seals of one shop."""

    prefix: str
    key: bytes
    build: bytes

    @classmethod
    def of(cls, config: Config) -> Seals:
        """``build`` stands for the code, the merchant's theme and the settings: processes that differ in them do not share what they made."""
        secret = hashlib.blake2b(
            config.database_url.encode(), key=hashlib.blake2b(config.secret_key.encode()).digest(), person=b"bodega cache"
        )
        made_of = [_hash_of_code(), _hash_of(config.instance / "theme")] if config.redis.url else []
        build = hashlib.blake2b(b"".join([*made_of, repr(config).encode()]), digest_size=HEAD)
        return cls(f"bodega:{config.name}:{secret.hexdigest()[:16]}:", secret.digest()[8:], build.digest())

    def name(self, room: str, key: Any) -> str:
        """The name of ``key`` in ``room``.

        Raises:
            TypeError: the key cannot be spelled.
        """
        return f"{self.prefix}{room}:{self._hash(b'name', spell((room, key)).encode()).hex()}"

    def label(self, room: str, key: Any, state: Any) -> Label:
        """Name and head of ``key`` in this state, made by this build.

        Raises:
            TypeError: key or state cannot be spelled.
        """
        return Label(self.name(room, key), self._hash(b"head", self.build + spell(state).encode()))

    def wrap(self, label: Label, content: bytes) -> bytes:
        """``content`` under its head and seal."""
        return label.head + self._seal(label, content) + content

    def unwrap(self, label: Label, value: bytes | None) -> bytes | None:
        """What ``wrap`` was given for the same label; None for everything else."""
        if value is None or value[:HEAD] != label.head:
            return None
        content = value[HEAD + SEAL :]
        return content if hmac.compare_digest(value[HEAD : HEAD + SEAL], self._seal(label, content)) else None

    def _seal(self, label: Label, content: bytes) -> bytes:
        return self._hash(b"seal", label.name.encode(), label.head, content)

    def _hash(self, what: bytes, *parts: bytes) -> bytes:
        found = hashlib.blake2b(key=self.key, digest_size=SEAL, person=what)
        for part in parts:
            found.update(len(part).to_bytes(8, "big"))
            found.update(part)
        return found.digest()


def spell(value: Any) -> str:
    """The same text for equal values, another one for others, in every process.

    Raises:
        TypeError: it holds something whose spelling is not known, such as an object that differs from process to process.
    """
    if value is None or isinstance(value, (bool, int, float, bytes)):
        return repr(value)
    if isinstance(value, str):
        return repr(str(value))
    if isinstance(value, (date, Decimal)):
        return f"{type(value).__name__} {value}"
    if is_dataclass(value) and not isinstance(value, type):
        return f"{type(value).__name__}{spell([getattr(value, field.name) for field in fields(value)])}"
    if isinstance(value, Sequence):
        return f"({','.join([spell(one) for one in value])})"
    raise TypeError(f"{type(value).__name__} has no spelling")


@cache
def _hash_of_code() -> bytes:
    """Read once, also where one process serves many shops."""
    return _hash_of(CODE)


def _hash_of(folder: Path) -> bytes:
    found = hashlib.blake2b(digest_size=HEAD)
    for path in sorted(folder.rglob("*")):
        if path.suffix in MAKES_PAGES and path.is_file():
            found.update(
                path.relative_to(folder).as_posix().encode() + b"\0" + hashlib.blake2b(path.read_bytes(), digest_size=HEAD).digest()
            )
    return found.digest()
