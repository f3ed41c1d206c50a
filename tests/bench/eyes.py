"""What lines, figures and numbers of requests cost a page: the shop with its eyes open beside the same shop without any."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from tests.bench import acts
from tests.bench.load import Contender, compare, table
from tests.servers import free_port

if TYPE_CHECKING:
    from tests.bench.__main__ import Bench, Shop

BLIND = "tests.bench.blind:app"


def eyes(bench: Bench, rounds: int, times: int) -> Iterator[str]:
    """On and off in one run: a page seen before (the cheapest there is), one rendered for a member, adding to the cart. Then with a file as well."""
    for name, config in bench.databases().items():
        figures = {"METRICS": "1", "METRICS_BIND": f"127.0.0.1:{free_port()}", "LOG_FORMAT": "json"}
        off = bench.shop(config, application=BLIND)
        on = bench.shop(config, **figures)
        filed = bench.shop(config, LOG_FORMAT="json", LOG_FILE="logs/app.log")
        sides = {"without": off, "with lines, figures and numbers": on, "with lines, also in a file": filed}
        for title, prepare in (("category page, seen before", _stranger), ("category page, member", _member), ("add to cart", _adding)):
            contenders = [prepare(side, shop) for side, shop in sides.items()]
            compare(contenders, rounds=rounds, times=times if prepare is _stranger else max(50, times // 3))
            yield from table(f"Eyes: {title} on {name}", contenders)


def _stranger(side: str, shop: Shop) -> Contender:
    browser = shop.browser()
    return Contender(side, shop.who, lambda: lambda: browser.ask("GET", "/c/category-7"))


def _member(side: str, shop: Shop) -> Contender:
    browser = shop.browser()
    acts.become_member(browser)
    return Contender(side, shop.who, lambda: lambda: browser.ask("GET", "/c/category-7"))


def _adding(side: str, shop: Shop) -> Contender:
    numbers = iter(range(1, 10**9))

    def prepare() -> object:
        return acts.add(shop.browser(), next(numbers))

    return Contender(side, shop.who, prepare)  # type: ignore[arg-type]
