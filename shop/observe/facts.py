"""Saying what happened in the shop: one line and one figure for each fact, with ids and words of the code, never with people.

What is true only once it is committed is told after the commit: ``after_commit(lambda: tell("order.placed", …))``.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager

from flask import current_app

from shop.errors import ShopError
from shop.observe import figures
from shop.observe.figures import Counter, Spread
from shop.observe.process import eyes
from shop.observe.trace import current

log = logging.getLogger("shop.fact")


def tell(what: str, **facts: str | int | float) -> None:
    """A line that ``what`` happened; ``facts`` are ids, numbers and words of the code."""
    log.info(what, extra={"facts": facts})


def count(figure: Counter | Spread, *labels: str, amount: float = 1) -> None:
    """Count one more (``amount`` more), under the labels of the figure in their order. Nothing happens where nobody counts."""
    book = eyes().book
    if book is not None:
        book.add(figure, (shop_name(), *labels), amount)


def shop_name() -> str:
    """Which shop this is about."""
    trace = current.get()
    if trace is not None:
        return trace.shop
    name: str = current_app.extensions.get("observe", "shop") if current_app else "shop"
    return name


@contextmanager
def tell_refusals(step: str) -> Iterator[None]:
    """Tell of every attempt to sign in that the block refuses: at which step and why, not whose."""
    try:
        yield
    except ShopError as refusal:
        if refusal.slug != "second-factor-needed":
            count(figures.SIGN_IN_REFUSALS, step, refusal.slug)
            log.warning("sign-in refused", extra={"facts": {"step": step, "reason": refusal.slug}})
        raise
