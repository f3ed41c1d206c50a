"""Everybody wants the same ten pieces at the same moment: ten orders, a clear no for all others, and never an error."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy import func, select

from shop.db import scalar
from shop.inventory.models import StockItem
from shop.order.models import Order
from tests.fire import judge
from tests.fire.crowd import Reply, ask, at_the_checkout, limited, order_body, with_a_cart
from tests.fire.scale import scaled
from tests.fire.world import World, serving, world

PIECES = 10
CROWDS = scaled([(200, 3.0)], [(200, 3.0), (2_000, 15.0)])


async def rush(port: int, variant_id: int, buyers: int) -> tuple[list[Reply], float]:
    """All stand at the checkout; then all press at once, half of them on the page, half as programs. Gives seconds until all were answered."""
    ready = await limited([prepare(port, variant_id, number) for number in range(buyers)], 16)
    began = time.monotonic()
    replies = await asyncio.gather(*(press() for press in ready))
    return list(replies), time.monotonic() - began


async def prepare(port: int, variant_id: int, number: int) -> Callable[[], Awaitable[Reply]]:
    """Everything up to the press."""
    email = f"buyer{number}@example.com"
    if number % 2:
        form, cookies = await at_the_checkout(port, [(variant_id, 1)], email)
        return lambda: ask(port, "POST", "/orders", form=form, cookies=cookies)
    cookies, said = await with_a_cart(port, [(variant_id, 1)]), order_body(email, "bank_transfer")
    return lambda: ask(port, "POST", "/api/v1/orders", said=said, cookies=cookies, Idempotency_Key=f"press-{number}")


def outcome(reply: Reply) -> str:
    """What a buyer was told."""
    if reply.status == 201 or (reply.status == 303 and "/orders/" in reply.header("location")):
        return "order"
    if reply.status == 409 or (reply.status == 303 and reply.header("location").endswith("/cart")):
        return "clear refusal"
    return f"{reply.status} {reply.text[:200]}"


def judge_rush(made: World, replies: list[Reply]) -> list[str]:
    told = Counter(map(outcome, replies))
    wrong = [] if told == {"order": PIECES, "clear refusal": len(replies) - PIECES} else [f"buyers were told {dict(told)}"]
    with made.app.app_context():
        orders = scalar(select(func.count()).select_from(Order))
        left = scalar(select(StockItem.on_hand).where(StockItem.variant_id == made.goods["Lamp"]))
        wrong += [] if (orders, left) == (PIECES, 0) else [f"{orders} orders, {left} pieces left"]
        return wrong + judge.audit(datetime.now(UTC))


@pytest.mark.parametrize(("buyers", "goal_s"), CROWDS)
def test_ten_pieces_make_ten_orders_and_everybody_else_is_told_so(tmp_path: Path, buyers: int, goal_s: float) -> None:
    with world(tmp_path, "rush", {"Lamp": PIECES}) as made, serving(made) as server:
        replies, took_s = asyncio.run(rush(server.port, made.goods["Lamp"], buyers))

        assert judge_rush(made, replies) == []
        print(
            f"\n{buyers} buyers, {PIECES} pieces, 4 workers, {made.database_url.partition(':')[0]}: all answered in {took_s:.2f} s (goal {goal_s:.0f} s)"
        )


def test_a_shop_that_does_not_guard_its_stock_is_found_out(tmp_path: Path) -> None:
    with world(tmp_path, "unguarded", {"Lamp": PIECES}) as made:
        with serving(made, FIRE_PLANT="unguarded_stock", application="tests.fire.planted:app") as server:
            replies, _took_s = asyncio.run(rush(server.port, made.goods["Lamp"], 60))

        wrong = judge_rush(made, replies)

    assert any("buyers were told" in one for one in wrong)
    assert any(one.startswith("I0") for one in wrong), wrong
