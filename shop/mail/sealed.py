"""Words that stand in a mail only on its way: links that let in whoever reads them.

The stored mail holds a seal, such as ``sealed-ticket-4f…-sealed``, which staff may read; the word itself is put in when the mail is handed over, by the
feature that knows it, and only into a mail to the address that it belongs to.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from flask import Flask, current_app

Opener = Callable[[str, str], str]
SEAL = re.compile(r"sealed-([a-z]{1,20})-([0-9a-f]{32})-sealed")


def init_app(app: Flask) -> None:
    app.extensions["mail_seals"] = {}


def knows_seals(app: Flask, kind: str, opener: Opener) -> None:
    """``opener(name, recipient)`` gives the word of a seal, or "" where it is not meant for that address."""
    app.extensions["mail_seals"][kind] = opener


def seal(kind: str, name: str) -> str:
    """What stands in the stored mail; ``name`` is 32 hexadecimal digits."""
    return f"sealed-{kind}-{name}-sealed"


def open_seals(text: str, recipient: str) -> str:
    """The text as it leaves."""
    openers: dict[str, Opener] = current_app.extensions["mail_seals"]

    def opened(match: re.Match[str]) -> str:
        opener = openers.get(match[1])
        return (opener(match[2], recipient) if opener else "") or match[0]

    return SEAL.sub(opened, text)
