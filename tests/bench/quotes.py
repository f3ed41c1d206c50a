"""What working out a quote costs in processor time: carts of more and more lines, without and with promotions of every kind."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Iterator
from random import Random
from typing import Any

from shop.pricing.delivery import Delivery
from shop.pricing.goods import Item
from shop.pricing.promotions import EVERYTHING, Promotion, PromotionKind, Scope, Stacking, Tier
from shop.pricing.quote import make_quote
from shop.pricing.trace import write_trace

SIZES = (1, 10, 25, 50, 100, 200, 300)
OFFERS = 20
RATES = {"standard": 210000, "food": 100000, "books": 40000}
PARCEL = Delivery("standard", "Parcel", "delivery", 490, None, "goods")
SCOPES = (EVERYTHING, Scope(category_ids=frozenset({3})), Scope(category_ids=frozenset({99})), Scope(product_ids=frozenset(range(20))))


def quotes(rounds: int, times: int) -> Iterator[str]:
    """A table: processor time per quote, and per line beside that of 50 lines."""
    yield f"\nquote: processor time of one quote, {rounds} rounds of {times}, the median of the rounds\n"
    yield f"| lines | no promotion, ms | {OFFERS} that combine, ms | µs a line | × that of 50 | with rivals, ms | trace, ms | its letters |"
    yield "|---:|---:|---:|---:|---:|---:|---:|---:|"
    combined = {size: _median_ms(_quoting(size, _offers(rivals=False)), rounds, times) for size in SIZES}
    for size in SIZES:
        quote = _quoting(size, _offers(rivals=False))()
        per_line = combined[size] / size
        yield (
            f"| {size} | {_median_ms(_quoting(size, []), rounds, times):.2f} | {combined[size]:.2f} | {per_line * 1000:.0f}"
            f" | {per_line * 50 / combined[50]:.2f} | {_median_ms(_quoting(size, _offers(rivals=True)), rounds, times):.2f}"
            f" | {_median_ms(lambda quote=quote: write_trace(quote, most=10**6), rounds, times):.2f}"
            f" | {len(write_trace(quote, most=10**6))} |"
        )


def _quoting(size: int, offers: list[Promotion]) -> Callable[[], Any]:
    goods = _goods(size)
    return lambda: make_quote(
        goods, currency="EUR", prices_include_tax=True, tax_rates=RATES, delivery=PARCEL, promotions=offers, codes=["NOPE"]
    )


def _median_ms(act: Callable[[], object], rounds: int, times: int) -> float:
    act()
    found = []
    for _ in range(rounds):
        began = time.process_time()
        for _ in range(times):
            act()
        found.append((time.process_time() - began) / times * 1000)
    return statistics.median(found)


def _goods(size: int) -> list[Item]:
    chance = Random(7)
    return [
        Item(
            number,
            number // 2,
            "Mug",
            "Sage",
            f"MUG-{number}",
            chance.randint(100, 9_999),
            None,
            chance.randint(1, 9),
            chance.choice(list(RATES)),
            300,
            True,
            None,
            "mug",
            frozenset({number % 7, 50 + number % 3, 99}),
        )
        for number in range(size)
    ]


def _offers(*, rivals: bool) -> list[Promotion]:
    """Every kind four times; as rivals a third of them exclude each other and a third stand in groups."""
    kinds = list(PromotionKind)
    return [
        Promotion(
            id=number + 1,
            kind=kinds[number % len(kinds)],
            label=f"Offer {number}",
            code=f"CODE-{number}" if number % 3 == 0 else None,
            percent_bp=500,
            amount_minor=300,
            tiers=(Tier(2, 300), Tier(500, 700)),
            buy=2,
            scope=SCOPES[number % len(SCOPES)],
            minimum_minor=100,
            stacking=list(Stacking)[number % 3] if rivals else Stacking.COMBINABLE,
            stack_group=str(number % 2),
            priority=number % 3,
        )
        for number in range(OFFERS)
    ]
