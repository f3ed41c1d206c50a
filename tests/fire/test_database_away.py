"""The database goes away in the middle: buyers read "in a moment" and when to come back, nothing is half done, and the shop heals by itself."""

from __future__ import annotations

import asyncio
import os
import shutil
import subprocess
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy import func, select

from shop.db import scalar
from shop.order.models import Order
from tests.fire import judge
from tests.fire.crowd import Refusal, Reply, ask, order_body, with_a_cart
from tests.fire.postgres import Postgres, own_postgres
from tests.fire.scale import scaled
from tests.fire.world import World, serving, world

CRASHES = scaled(1, 5)
BUYERS = 8
LONGEST_AWAY_S = 15.0
IS_POSTGRESQL = bool(os.environ.get("TEST_DATABASE_URL"))
only_on_postgresql = pytest.mark.skipif(not IS_POSTGRESQL, reason="this is about PostgreSQL")
only_on_sqlite = pytest.mark.skipif(IS_POSTGRESQL, reason="this is about SQLite")


async def buy_until(port: int, variant_id: int, is_over: threading.Event, told: list[tuple[float, Reply]]) -> int:
    """One buyer after the other until it is over; gives how many orders were confirmed to them."""
    orders = 0
    while not is_over.is_set():
        try:
            cookies = await with_a_cart(port, [(variant_id, 1)])
        except Refusal as refused:
            told.append((time.monotonic(), refused.reply))
            await asyncio.sleep(0.2)
            continue
        reply = await ask(port, "POST", "/api/v1/orders", said=order_body("ana@example.com", "bank_transfer"), cookies=cookies)
        told.append((time.monotonic(), reply))
        orders += reply.status == 201
    return orders


async def buy_while(made: World, port: int, server: Postgres, crashes: int = CRASHES) -> tuple[int, list[tuple[float, Reply]]]:
    """Buyers go on while the database crashes and comes back."""
    is_over, told = threading.Event(), list[tuple[float, Reply]]()

    def crash() -> None:
        for _crash in range(crashes):
            time.sleep(1)
            server.crash_and_come_back()
        time.sleep(1)
        until = time.monotonic() + LONGEST_AWAY_S
        while time.monotonic() < until and not (told and told[-1][1].status == 201):
            time.sleep(0.1)
        is_over.set()

    crashing = threading.Thread(target=crash)
    crashing.start()
    confirmed = await asyncio.gather(*(buy_until(port, made.goods["Mug"], is_over, told) for _ in range(BUYERS)))
    crashing.join()
    return sum(confirmed), told


def away_for(told: list[tuple[float, Reply]]) -> float:
    """Seconds between the first and the last answer that was a no."""
    refused = [moment for moment, reply in told if reply.status != 201]
    return max(refused, default=0.0) - min(refused, default=0.0)


def judge_crash(told: list[tuple[float, Reply]], *, confirmed: int, orders: int) -> list[str]:
    """What buyers were told while the database was away, against what it holds afterwards."""
    refused = {(reply.status, bool(reply.header("retry-after"))) for _, reply in told if reply.status != 201}
    return [
        *([] if refused else ["the crash was not noticed"]),
        *(f"buyers were told {status}, when to come back: {says_when}" for status, says_when in refused - {(503, True)}),
        *([] if away_for(told) < LONGEST_AWAY_S * CRASHES else [f"away for {away_for(told):.1f} s"]),
        *([] if told and told[-1][1].status == 201 else ["it has not healed"]),
        *([] if orders >= confirmed else [f"{confirmed} orders were confirmed, {orders} are there"]),
    ]


@pytest.fixture(scope="module")
def crashing(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Postgres, World]]:
    """A PostgreSQL that may crash, and a shop on it: one for the whole module."""
    with own_postgres() as server, pytest.MonkeyPatch.context() as patch:
        patch.setenv("TEST_DATABASE_URL", server.url)
        with world(tmp_path_factory.mktemp("crash"), "crash", {"Mug": 1_000_000}) as made:
            yield server, made


@only_on_postgresql
def test_postgresql_crashes_under_load_and_the_shop_heals_by_itself(crashing: tuple[Postgres, World]) -> None:
    server, made = crashing
    with serving(made, WEB_CONCURRENCY="2") as shop:
        confirmed, told = asyncio.run(buy_while(made, shop.port, server))
        with made.app.app_context():
            orders = scalar(select(func.count()).select_from(Order))
            findings = judge.audit(datetime.now(UTC))

    print(
        f"\n{CRASHES} crashes: {confirmed} orders, answers {dict(Counter(reply.status for _, reply in told))}"
        f", away for {away_for(told):.1f} s in all"
    )
    assert judge_crash(told, confirmed=confirmed, orders=orders) == []
    assert findings == []


@only_on_postgresql
def test_a_shop_that_takes_a_crash_for_a_bug_is_found_out(crashing: tuple[Postgres, World]) -> None:
    """Planted: nobody tells a buyer that the database is away, and for how long."""
    server, made = crashing
    with serving(made, WEB_CONCURRENCY="2", FIRE_PLANT="database_away_is_a_bug", application="tests.fire.planted:app") as shop:
        confirmed, told = asyncio.run(buy_while(made, shop.port, server, crashes=1))

    assert "buyers were told 500, when to come back: False" in judge_crash(told, confirmed=confirmed, orders=confirmed)


def test_an_order_that_a_crash_took_and_a_shop_that_stays_away_are_found_out() -> None:
    yes, away = Reply(201), Reply(503, [("retry-after", "5")])
    long = LONGEST_AWAY_S * CRASHES

    assert judge_crash([(0.0, yes), (1.0, away), (2.0, yes)], confirmed=2, orders=2) == []
    assert judge_crash([(0.0, yes), (1.0, away), (2.0, yes)], confirmed=2, orders=1) == ["2 orders were confirmed, 1 are there"]
    assert judge_crash([(0.0, yes), (1.0, away)], confirmed=1, orders=1) == ["it has not healed"]
    assert judge_crash([(0.0, away), (long, away), (long + 1, yes)], confirmed=1, orders=1) == [f"away for {long:.1f} s"]
    assert judge_crash([(0.0, yes)], confirmed=1, orders=1) == ["the crash was not noticed"]


@contextmanager
def small_disk(folder: Path, size: str) -> Iterator[Path]:
    """A file system of its own that is soon full; only root can make one."""
    folder.mkdir()
    if (
        os.geteuid() != 0
        or not shutil.which("mount")
        or subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size}", "none", folder], check=False, capture_output=True).returncode
    ):
        pytest.skip("no file system can be mounted here")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "--lazy", folder], check=True)


@pytest.fixture(scope="module")
def cramped(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, World]]:
    """A disk that is soon full, and a shop on it: one for the whole module."""
    folder = tmp_path_factory.mktemp("cramped")
    with (
        small_disk(folder / "disk", "64m") as disk,
        world(disk, "full", {"Mug": 1_000_000}, SHOP_INSTANCE=str(folder / "instance")) as made,
    ):
        yield disk, made


def buy_on_a_full_disk(cramped: tuple[Path, World], **changes: str) -> tuple[list[Reply], Reply]:
    """Somebody buys, the disk is full, somebody buys again once it is not; gives what was answered meanwhile to buyers, and to a reader."""
    disk, made = cramped
    with serving(made, WEB_CONCURRENCY="1", **changes) as shop:
        asyncio.run(buy_one(shop.port, made, expect=201))
        stuffing = disk / "stuffing"
        fill(stuffing)

        full = [asyncio.run(buy_one(shop.port, made)) for _ in range(3)]
        page = asyncio.run(ask(shop.port, "GET", "/p/" + slug_of(made)))
        stuffing.unlink()
        asyncio.run(buy_one(shop.port, made, expect=201))
    return full, page


@only_on_sqlite
def test_a_full_disk_stops_writing_and_nothing_else(cramped: tuple[Path, World]) -> None:
    full, page = buy_on_a_full_disk(cramped)

    assert page.status == 200, "reading goes on"
    assert {(reply.status, bool(reply.header("retry-after"))) for reply in full} == {(503, True)}
    with cramped[1].app.app_context():
        assert judge.audit(datetime.now(UTC)) == []


@only_on_sqlite
def test_a_shop_that_takes_a_full_disk_for_a_bug_is_found_out(cramped: tuple[Path, World]) -> None:
    """Planted: nobody tells a buyer that nothing can be written for a while."""
    full, _page = buy_on_a_full_disk(cramped, FIRE_PLANT="database_away_is_a_bug", application="tests.fire.planted:app")

    assert {(reply.status, bool(reply.header("retry-after"))) for reply in full} == {(500, False)}


async def buy_one(port: int, made: World, *, expect: int = 0) -> Reply:
    """A cart and a press; gives the first answer that was a no, or the last."""
    reply = await ask(port, "POST", "/api/v1/cart/items", said={"variant_id": made.goods["Mug"], "quantity": 1})
    if reply.status == 201:
        reply = await ask(port, "POST", "/api/v1/orders", said=order_body("ana@example.com", "bank_transfer"), cookies=reply.cookies)
    assert expect in {0, reply.status}, reply
    return reply


def fill(path: Path) -> None:
    """Write until nothing more goes onto the disk."""
    with path.open("wb", buffering=0) as stuffing:
        try:
            while stuffing.write(b"x" * 4096):
                pass
        except OSError:
            return


def slug_of(made: World) -> str:
    from shop.catalog.models import ProductText

    with made.app.app_context():
        return str(scalar(select(ProductText.slug)))
