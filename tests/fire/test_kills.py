"""Workers die by SIGKILL in the middle of checkouts, the bank is slow and swallows answers: no order is lost, nothing is charged twice."""

from __future__ import annotations

import asyncio
import os
import random
import time
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from sqlalchemy import func, select

from shop.db import rows, scalar
from shop.order.models import Order, PaymentState
from shop.payment.models import Payment, State
from shop.payment.tasks import sweep
from tests.fire import judge
from tests.fire.bank import BAD_DAY, bank_server, ledger
from tests.fire.customers import Customer, History
from tests.fire.scale import IS_FULL, scaled
from tests.fire.world import World, kill_a_worker, serving, wait_until, world
from tests.servers import Server

CHECKOUTS = int(os.environ.get("FIRE_CHECKOUTS", scaled(300, 10_000)))
AT_ONCE = 24
KILL_EVERY_S = 2.0
SETTLE_S = 120
UNCLEAR = select(func.count()).select_from(Payment).where(Payment.state.in_([State.ATTEMPTING, State.UNKNOWN]))


async def shop_under_fire(server: Server, bank_url: str, variant_id: int, checkouts: int) -> tuple[list[History], int]:
    """So many customers, some dozen at a time, while workers die; gives their histories and how many workers died."""
    dice, gate, kills = random.Random(1), asyncio.Semaphore(AT_ONCE), 0

    async def visit(number: int) -> History:
        async with gate:
            history = History(f"customer{number}@example.com")
            is_program = IS_FULL and number % 10 == 0  # a program whose worker died waits a minute for its key
            return await Customer(server.port, urlsplit(bank_url).port or 0, variant_id, history, dice, is_program).buy()

    async def kill_for_ever() -> None:
        nonlocal kills
        while True:
            await asyncio.sleep(KILL_EVERY_S)
            kills += kill_a_worker(server, dice.randrange(64))

    killer = asyncio.create_task(kill_for_ever())
    histories = await asyncio.gather(*(visit(number) for number in range(checkouts)))
    killer.cancel()
    return list(histories), kills


def is_settled(made: World, bank_url: str) -> bool:
    """Sweep, beside the couriers of the shop; is nothing unclear any more, and everything written down that the bank took?"""
    with made.app.app_context():
        sweep(datetime.now(UTC))
        return bool(scalar(UNCLEAR) == 0) and judge.compare_ledger(ledger(bank_url)) == []


def compare_histories(histories: list[History]) -> list[str]:
    """What the customers were told, against the tables."""
    wrong = [f"{history.email} {history.number}: {strange}" for history in histories for strange in history.strange]
    states = {found.number: found.payment_state for found in rows(select(Order.number, Order.payment_state))}
    emails = Counter(found.email for found in rows(select(Order.email)))
    wrong += [f"{history.email} has {emails[history.email]} orders" for history in histories if emails[history.email] != 1]
    for history in histories:
        is_paid = states.get(history.number) is PaymentState.PAID
        if history.number and history.number not in states:
            wrong.append(f"the order {history.number} was lost")
        if history.saw == "paid" and not is_paid:
            wrong.append(f"{history.number} was told paid and is {states.get(history.number)}")
    return wrong


def compare_orders(entries: list[dict[str, Any]]) -> list[str]:
    """Every order that the bank took money for is paid. A press on its page that never arrived took nothing, whatever the customer thinks."""
    states = {found.number: found.payment_state for found in rows(select(Order.number, Order.payment_state))}
    paid = {one["order"] for one in entries}
    return [f"{number} was taken and is {states.get(number)}" for number in paid if states.get(number) is not PaymentState.PAID]


def judge_all(made: World, bank_url: str, histories: list[History]) -> list[str]:
    entries = ledger(bank_url)
    with made.app.app_context():
        return [
            *compare_histories(histories),
            *compare_orders(entries),
            *judge.compare_ledger(entries),
            *judge.charged_twice(entries),
            *judge.audit(datetime.now(UTC)),
        ]


def test_workers_die_and_the_bank_is_silent_but_nothing_is_lost_or_charged_twice(tmp_path: Path) -> None:
    with bank_server(tmp_path, **BAD_DAY) as bank_url:
        settings = {"TEST_GATEWAY_URL": bank_url, "SHOP_PAYMENT_TIMEOUT": "1"}
        with world(tmp_path, "kills", {"Mug": 1_000_000}, **settings) as made:
            with serving(made) as server:
                began = time.monotonic()
                histories, kills = asyncio.run(shop_under_fire(server, bank_url, made.goods["Mug"], CHECKOUTS))
                took_s = time.monotonic() - began
                healed = wait_until(lambda: is_settled(made, bank_url), seconds=SETTLE_S)
                healed_s = time.monotonic() - began - took_s

            wrong = judge_all(made, bank_url, histories)

    told = sum((history.told for history in histories), Counter[int]())
    print(
        f"\n{len(histories)} checkouts in {took_s:.0f} s, {kills} workers killed, everything settled {healed_s:.0f} s later; answers {dict(told)}"
        f"; last seen {dict(Counter(history.saw for history in histories))}"
    )
    assert wrong == []
    assert healed
    assert kills >= took_s / KILL_EVERY_S / 2, "too few were killed to prove anything"


def test_an_order_that_vanished_or_was_charged_twice_is_found_out(tmp_path: Path) -> None:
    """The judges must see what they are there for: a lost order, a capture too many at the bank, a customer who was told paid and is not."""
    with world(tmp_path, "planted", {"Mug": 10}) as made, made.app.app_context():
        lost = History("a@example.com", number="AAAA-BBBB", saw="paid")
        capture = {"kind": "capture", "order": "AAAA-BBBB", "reference": "ch_1", "amount": 1450, "currency": "EUR"}

        wrong = [
            *compare_histories([lost]),
            *judge.compare_ledger([capture, capture]),
            *judge.charged_twice([capture]),
            *compare_orders([capture]),
        ]

    text = "\n".join(wrong)
    for sentence in ("has 0 orders", "was lost", "was told paid", "the bank knows 2 ×", "was kept of 0", "was taken and is None"):
        assert sentence in text, sentence
