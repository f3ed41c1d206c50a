"""What a Redis costs and spares, when it is well and when it says nothing: the same pages by a shop without one, with one, and with one that is paused."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tests.bench.load import compare, table
from tests.redis import own_redis

if TYPE_CHECKING:
    from tests.bench.__main__ import Bench

SEEN, GOODS = 48, 1_900
ASKED: dict[str, Callable[[int], str]] = {
    "product page, seen before": lambda number: f"/p/product-{number % SEEN + 1}",
    "product page that nobody asked for before": lambda number: f"/p/product-{number % GOODS + 1}",
    "suggestions for ten beginnings of words": lambda number: (
        f"/api/v1/products/suggestions?q={'abcdefghij'[number % 10]}{'aeiou'[number % 5]}"
    ),
}


def shelf(bench: Bench, rounds: int, times: int, walking: Callable[..., Any]) -> Iterator[str]:
    """Two workers each, so that one finds what the other made."""
    with ExitStack() as stack:
        well, stuck = (stack.enter_context(own_redis(Path(stack.enter_context(tempfile.TemporaryDirectory())))) for _redis in range(2))
        config = bench.database("sqlite", bench.products)
        shops = {
            "no Redis": bench.shop(config),
            "Redis": bench.shop(config, REDIS_URL=well.url),
            "Redis, paused": bench.shop(config, REDIS_URL=stuck.url),
        }
        stuck.pause()
        for asked, path in ASKED.items():
            contenders = [walking(name, shop, path) for name, shop in shops.items()]
            compare(contenders, rounds=rounds, times=times)
            yield from table(f"With a Redis and without: {asked}", contenders)
