"""Names of orders: short, readable aloud, and random, so that none tells how many there are or what the next one is called."""

from __future__ import annotations

import re
import secrets

ALPHABET = "23456789BCDFGHJKMNPQRSTVWXZ"  # no 0 O 1 I L, and no vowels: they would make words
LENGTH = 8
WRITTEN = re.compile(f"[{ALPHABET}]{{4}}-[{ALPHABET}]{{4}}")


def new_number() -> str:
    """Such as ``B7K4-4QX2``: one of 282 billion."""
    drawn = "".join(secrets.choice(ALPHABET) for _ in range(LENGTH))
    return f"{drawn[:4]}-{drawn[4:]}"


def read_number(text: str) -> str | None:
    """The number that somebody typed or said, in any case, with or without the dash; None when it cannot be one."""
    plain = re.sub(r"[\s-]", "", text[:40]).upper()
    written = f"{plain[:4]}-{plain[4:]}"
    return written if WRITTEN.fullmatch(written) else None
