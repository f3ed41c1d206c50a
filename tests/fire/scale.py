"""How long the proofs run: short within `make test`, full with ``FIRE=full`` (`make fire`)."""

from __future__ import annotations

import os
from typing import TypeVar

T = TypeVar("T")
IS_FULL = os.environ.get("FIRE") == "full"


def scaled(short: T, full: T) -> T:
    """The one that this run is for. ``FIRE_CHECKOUTS`` and the like win over both: see who calls."""
    return full if IS_FULL else short
