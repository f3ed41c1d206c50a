"""Telling whoever watches over the shop that somebody wanted more than there is."""

from __future__ import annotations

from collections.abc import Iterable

from shop.observe import count, tell
from shop.observe.figures import STOCK_REFUSALS


def tell_refusal(where: str, variant_ids: Iterable[int]) -> None:
    """Pieces were refused: in the ``cart``, by the quote of a ``checkout``, or to an ``order`` by somebody who was faster."""
    count(STOCK_REFUSALS, where)
    tell("stock refused", where=where, variants=" ".join(map(str, variant_ids)))
