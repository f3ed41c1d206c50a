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


async def buy_while(made: World, port: int, server: Postgres) -> tuple[int, list[tuple[float, Reply]]]:
    """Buyers go on while the database crashes and comes back."""
    is_over, told = threading.Event(), list[tuple[float, Reply]]()

    def crash() -> None:
        for _crash in range(CRASHES):
            time.sleep(2)
            server.crash_and_come_back()
        time.sleep(3)
        is_over.set()

    crashing = threading.Thread(target=crash)
    crashing.start()
    confirmed = await asyncio.gather(*(buy_until(port, made.goods["Mug"], is_over, told) for _ in range(BUYERS)))
    crashing.join()
    return sum(confirmed), told


def test_postgresql_crashes_under_load_and_the_shop_heals_by_itself(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    if not os.environ.get("TEST_DATABASE_URL"):
        pytest.skip("this is about PostgreSQL")
    with own_postgres() as server:
        monkeypatch.setenv("TEST_DATABASE_URL", server.url)
        with world(tmp_path, "crash", {"Mug": 1_000_000}) as made, serving(made, WEB_CONCURRENCY="2") as shop:
            confirmed, told = asyncio.run(buy_while(made, shop.port, server))
            with made.app.app_context():
                orders = scalar(select(func.count()).select_from(Order))
                findings = judge.audit(datetime.now(UTC))

    refused = [(moment, reply) for moment, reply in told if reply.status != 201]
    away_s = max((moment for moment, _ in refused), default=0.0) - min((moment for moment, _ in refused), default=0.0)
    print(
        f"\n{CRASHES} crashes: {confirmed} orders, answers {dict(Counter(reply.status for _, reply in told))}, away for {away_s:.1f} s in all"
    )
    assert refused, "the crash was not noticed"
    assert {(reply.status, bool(reply.header("retry-after"))) for _, reply in refused} == {(503, True)}
    assert away_s < LONGEST_AWAY_S * CRASHES
    assert told[-1][1].status == 201, "it has healed"
    assert orders >= confirmed, "what was confirmed to a customer is there"
    assert findings == []


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


def test_a_full_disk_stops_writing_and_nothing_else(tmp_path: Path) -> None:
    if os.environ.get("TEST_DATABASE_URL"):
        pytest.skip("this is about SQLite")
    with (
        small_disk(tmp_path / "disk", "64m") as disk,
        world(disk, "full", {"Mug": 1_000_000}, SHOP_INSTANCE=str(tmp_path / "instance")) as made,
        serving(made, WEB_CONCURRENCY="1") as shop,
    ):
        asyncio.run(buy_one(shop.port, made, expect=201))
        stuffing = disk / "stuffing"
        fill(stuffing)

        full = [asyncio.run(buy_one(shop.port, made)) for _ in range(3)]
        page = asyncio.run(ask(shop.port, "GET", "/p/" + slug_of(made)))
        stuffing.unlink()
        asyncio.run(buy_one(shop.port, made, expect=201))

        with made.app.app_context():
            assert judge.audit(datetime.now(UTC)) == []
    assert page.status == 200, "reading goes on"
    assert {(reply.status, bool(reply.header("retry-after"))) for reply in full} == {(503, True)}


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
