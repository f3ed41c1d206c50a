"""The lowest price of the 30 days before a reduction, as a pure function of a variant's price rows.

Source: Directive 98/6/EC, article 6a, as inserted by Directive (EU) 2019/2161: an announced reduction names the lowest price asked in the 30 days before
it (paragraphs 1 and 2); goods that are on sale for a shorter time have a shorter time (4); a reduction that only grows counts from its beginning (5).
CJEU C-330/23, Aldi Süd: it is that price from which the reduction itself is computed.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise

LOOK_BACK = timedelta(days=30)


@dataclass(frozen=True, slots=True)
class PricePoint:
    """A price that was asked from a moment on, with the former price that was announced beside it."""

    since: datetime
    minor: int
    compare_at_minor: int | None = None

    @property
    def is_reduced(self) -> bool:
        return self.compare_at_minor is not None and self.compare_at_minor > self.minor


@dataclass(frozen=True, slots=True)
class PriorPrices:
    """What was asked in the 30 days before the reduction of now: the lowest is the one to name. ``began_at`` is the reduction's first moment."""

    began_at: datetime
    lowest_minor: int
    highest_minor: int


def prior_prices(points: Iterable[PricePoint]) -> PriorPrices | None:
    """Of all prices until now in the order in which they were written, those before the reduction of now. None if nothing is reduced or was asked before.

    Of two of the same moment the one written later counts, the other was never asked.
    """
    asked = sorted({point.since: point for point in points}.values(), key=lambda point: point.since)
    if not asked or not asked[-1].is_reduced:
        return None
    first = len(asked) - 1
    while first and asked[first - 1].is_reduced and asked[first - 1].minor >= asked[first].minor:
        first -= 1
    began_at = asked[first].since
    window = began_at - LOOK_BACK
    before = [point.minor for point, following in pairwise(asked[: first + 1]) if following.since > window]
    return PriorPrices(began_at, min(before), max(before)) if before else None


def is_honest(now: PricePoint, prior: PriorPrices | None) -> bool:
    """Is the former price beside a reduced one a price that was asked in the 30 days before?"""
    return not now.is_reduced or (prior is not None and (now.compare_at_minor or 0) <= prior.highest_minor)
