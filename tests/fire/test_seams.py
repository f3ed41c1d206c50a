"""A worker is killed at each place of paying: before and after every commit and every call of the bank. Then the sweep, the audit, the bank's ledger."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Coroutine, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from sqlalchemy import func, select

from shop.db import row, rows, scalar
from shop.order.models import Order, PaymentState
from shop.outbox.courier import deliver_due
from shop.payment.models import Payment, State
from shop.payment.signatures import HEADER, sign
from shop.payment.tasks import sweep
from tests.fire import judge
from tests.fire.bank import bank_server, ledger
from tests.fire.crowd import FIELD, Reply, ask, order_form, with_a_cart
from tests.fire.world import World, serving, world
from tests.servers import Server

MOST_PLACES = 60
SECRET = "of the test bank and of nobody else"
AFTER = timedelta(minutes=20)


@dataclass
class Scene:
    """A shop with mortal workers, and a bank that sends no messages: only those heal who are to."""

    made: World
    server: Server
    bank: str
    graves: Path

    async def ask(self, method: str, path: str, *, die_at: int = 0, **more: Any) -> Reply:
        return await ask(self.server.port, method, path, **more, **({"X_Die_At": str(die_at)} if die_at else {}))

    async def insist(self, method: str, path: str, **more: Any) -> Reply:
        for _press in range(100):
            reply = await self.ask(method, path, **more)
            if reply.status:
                return reply
            await asyncio.sleep(0.1)
        raise AssertionError("nobody answers")

    def approve(self, page: str) -> str:
        """On the bank's page; gives the way back."""
        reply = asyncio.run(ask(urlsplit(self.bank).port or 0, "POST", urlsplit(page).path, form={"answer": "approve"}))
        back = urlsplit(reply.header("location"))
        return f"{back.path}?{back.query}"

    def form(self, email: str) -> tuple[dict[str, str], dict[str, str]]:
        """The filled form of somebody at the checkout, and the cookies."""

        async def fill() -> tuple[dict[str, str], dict[str, str]]:
            cookies = await with_a_cart(self.server.port, [(self.made.goods["Mug"], 1)])
            page = await self.insist("GET", "/checkout", cookies=cookies)
            return order_form(email, "test_card") | dict(FIELD.findall(page.text)), cookies | page.cookies

        return asyncio.run(fill())

    def press(self, email: str, **more: Any) -> Callable[..., Coroutine[Any, Any, Reply]]:
        form, cookies = self.form(email)
        return lambda **also: self.ask("POST", "/orders", form=form, cookies=cookies, **more, **also)

    def approved(self, email: str) -> str:
        """Somebody has ordered and approved, and did not come back yet; gives the way back."""
        return self.approve(asyncio.run(self.press(email)()).header("location"))


Prepared = Callable[..., Coroutine[Any, Any, Reply]]


def pressing(scene: Scene, email: str) -> Prepared:
    """The press on "Place the order"."""
    return scene.press(email)


def coming_back(scene: Scene, email: str) -> Prepared:
    """The way back from the bank, after it took the money."""
    path = scene.approved(email)
    return lambda **also: scene.ask("GET", path, **also)


def being_told(scene: Scene, email: str) -> Prepared:
    """The bank's message that it took the money."""
    scene.approved(email)
    with scene.made.app.app_context():
        found = row(select(Payment.key, Payment.reference).join(Order, Order.id == Payment.order_id).where(Order.email == email))
    said = {"id": f"ev-{email}", "kind": "charge.captured", "is_live": False, "charge": {"key": found.key, "reference": found.reference}}
    signature = sign(json.dumps(said).encode(), [SECRET], at=datetime.now(UTC))
    return lambda **also: scene.ask("POST", "/payments/webhooks/test_card", said=said, **{HEADER.replace("-", "_"): signature}, **also)


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    """One for the whole module: what a test leaves unclear is the next one's to find."""
    tmp_path = tmp_path_factory.mktemp("seams")
    graves = tmp_path / "graves"
    with bank_server(tmp_path, message_copies=0) as bank:
        settings = {"TEST_GATEWAY_URL": bank, "TEST_GATEWAY_SECRET": SECRET, "SHOP_PAYMENT_TIMEOUT": "5", "SHOP_COURIER": "0"}
        with world(tmp_path, "seams", {"Mug": 1_000}, **settings) as made:
            mortal = {"application": "tests.fire.mortal:app", "FIRE_GRAVES": str(graves), "WEB_CONCURRENCY": "2"}
            with serving(made, **mortal) as server:
                yield Scene(made, server, bank, graves)


def die_everywhere(scene: Scene, prepare: Callable[[Scene, str], Prepared], *, again: bool) -> list[str]:
    """Kill a worker at the first place, the second … until the act survives; gives the kinds of the places. ``again``: who asked asks once more."""
    died = []
    for place in range(1, MOST_PLACES):
        act = prepare(scene, f"{prepare.__name__}-{int(again)}-{place}@example.com")
        scene.graves.unlink(missing_ok=True)
        reply = asyncio.run(act(die_at=place))
        if reply.status:
            assert reply.status in {200, 303}, reply
            return died
        died.append(scene.graves.read_text())
        if again:
            assert asyncio.run(act()).status in {200, 303}
    raise AssertionError("it never survives")


def heal(made: World) -> None:
    """What the couriers do, after the time in which something may be in flight."""
    with made.app.app_context():
        for _round in range(3):
            sweep(datetime.now(UTC) + AFTER)
            while deliver_due(at=datetime.now(UTC) + AFTER).delivered:
                pass


def wrongs(scene: Scene) -> list[str]:
    """What all judges say."""
    entries = ledger(scene.bank)
    with scene.made.app.app_context():
        paid = scalar(select(func.count()).select_from(Order).where(Order.payment_state == PaymentState.PAID))
        unclear = scalar(select(func.count()).select_from(Payment).where(Payment.state.in_([State.ATTEMPTING, State.UNKNOWN])))
        twice = rows(select(Order.email).group_by(Order.email).having(func.count() > 1))
        return [
            *judge.compare_ledger(entries),
            *judge.charged_twice(entries),
            *judge.audit(datetime.now(UTC) + AFTER),
            *([] if paid == len(entries) else [f"{len(entries)} approved, {paid} have paid"]),
            *([] if unclear == 0 else [f"{unclear} payments are unclear"]),
            *(f"{one.email} pressed again and has two orders" for one in twice),
        ]


def test_killed_at_every_place_of_paying_the_shop_heals_by_itself(scene: Scene) -> None:
    places = {
        f"{act.__name__}{', pressed again' if again else ''}": die_everywhere(scene, act, again=again)
        for act, again in ((pressing, True), (pressing, False), (coming_back, False), (being_told, False))
    }

    heal(scene.made)

    assert wrongs(scene) == []
    print(f"\nkilled at {sum(map(len, places.values()))} places: {places}")
    assert {"commit", "committed", "call", "called"} <= set(places["pressing"])
    assert {"commit", "committed", "call", "called"} <= set(places["coming_back"])


def test_a_sweep_that_asks_nobody_is_found_out(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    """Planted: who died on the way back from the bank is left alone for ever."""
    monkeypatch.setattr("tests.fire.test_seams.sweep", lambda _at: 0)

    died = die_everywhere(scene, coming_back, again=False)
    heal(scene.made)

    found = wrongs(scene)
    assert "called" in died
    assert any("the bank knows" in wrong for wrong in found), found
    assert any("have paid" in wrong for wrong in found), found


def test_a_second_order_of_the_same_press_is_found_out(scene: Scene) -> None:
    """Planted: the same person orders twice, as if the cart were no key."""
    for _press in range(2):
        asyncio.run(scene.press("twice@example.com")())

    assert "twice@example.com pressed again and has two orders" in wrongs(scene)
