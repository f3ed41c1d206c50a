"""Codes as people type them, and new ones that nobody guesses."""

from __future__ import annotations

import re
import secrets
import unicodedata

from flask_babel import gettext as _

from shop.promotion.models import LONGEST_CODE, SHORTEST_CODE

FORM = re.compile(rf"[A-Z0-9][A-Z0-9_-]{{{SHORTEST_CODE - 1},{LONGEST_CODE - 1}}}")
LETTERS = "ABCDEFGHJKLMNPQRSTUVWXYZ23456789"
"""Without those that people take for another: I and 1, O and 0."""
RANDOM_LENGTH = 10
LONGEST_PREFIX = 20


def plain_code(typed: str) -> str:
    """As it is kept and compared: capitals without blanks, so that " summer " is ``SUMMER``. "" for what can be no code."""
    if len(typed) > LONGEST_CODE * 4:
        return ""
    plain = "".join(unicodedata.normalize("NFKC", typed).split()).upper()
    return plain if FORM.fullmatch(plain) else ""


def clean_code(typed: str) -> str:
    """A code that staff gives.

    Raises:
        ValueError: it has other characters than letters, digits, ``-`` and ``_``, or is too short or long.
    """
    plain = plain_code(typed)
    if not plain:
        raise ValueError(_("Use %(low)d to %(high)d letters from A to Z, digits, - or _.", low=SHORTEST_CODE, high=LONGEST_CODE))
    return plain


def new_codes(count: int, prefix: str = "") -> list[str]:
    """So many different codes of 50 random bits each, after ``prefix``. Whether one of them is taken is told by the table."""
    made: set[str] = set()
    while len(made) < count:
        made.add(prefix + "".join(secrets.choice(LETTERS) for _place in range(RANDOM_LENGTH)))
    return sorted(made)
