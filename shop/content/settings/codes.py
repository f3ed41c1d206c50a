"""What the number of a paper may begin with."""

from __future__ import annotations

import re

from flask_babel import gettext as _

PATTERN = re.compile(r"[A-Z0-9](?:[A-Z0-9-]*[A-Z0-9])?")


def clean_code(text: str, *, low: int, high: int) -> str:
    """Capital letters and digits, dashes between them; raises ``ValueError`` with a sentence."""
    text = text.strip()
    if not low <= len(text) <= high or not PATTERN.fullmatch(text):
        raise ValueError(_("Use %(low)s to %(high)s capital letters and digits, with dashes between them.", low=low, high=high))
    return text
