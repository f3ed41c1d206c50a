"""Two who act on one order at the same time, in every order of their steps: the audit and the bank's ledger are clean after each.

A step ends where a transaction begins or the bank is called; between two steps of one, all steps of the other may fall. Both run in threads of
their own with connections of their own, and whose turn it is stands in a schedule.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from itertools import combinations
from typing import Any

import pytest
from sqlalchemy import select

from shop.db import db, row
from shop.errors import ShopError
from shop.order.changes.services import Edit, edit_order
from shop.order.services import cancel_order
from shop.payment.expiry import end_if_unpaid
from shop.payment.models import Payment
from shop.payment.refunds import refund_payment
from shop.payment.services import record_bank_payment, settle_order, start_payment
from tests.fire.house import ANA, House
from tests.fire.scale import scaled
from tests.fire.seams import watching

STOPS = {"begin", "call", "called"}
MOST_SCHEDULES = scaled(12, 400)
PATIENCE_S = 20
Act = Callable[[House, int], Any]


@dataclass
class Turns:
    """Lets two threads go on in the order of ``schedule`` (0 and 1 by turns); who has ended, and what is beyond the schedule, goes freely."""

    schedule: tuple[int, ...]
    place: int = 0
    ended: set[int] = field(default_factory=set)
    steps: list[int] = field(default_factory=lambda: [0, 0])
    mine: threading.local = field(default_factory=threading.local)
    changed: threading.Condition = field(default_factory=threading.Condition)

    def reach(self, stop: str) -> None:
        """Wait for one's turn."""
        me = getattr(self.mine, "number", None)
        if me is None or stop not in STOPS:
            return
        with self.changed:
            self.steps[me] += 1
            self.changed.wait_for(lambda: self._is_turn_of(me), PATIENCE_S)
            self.place += 1
            self.changed.notify_all()

    def _is_turn_of(self, me: int) -> bool:
        while self.place < len(self.schedule) and self.schedule[self.place] in self.ended:
            self.place += 1
        return self.place >= len(self.schedule) or self.schedule[self.place] == me

    def leave(self, me: int) -> None:
        with self.changed:
            self.ended.add(me)
            self.changed.notify_all()


def run_by_turns(house: House, acts: tuple[Act, Act], order_id: int, schedule: tuple[int, ...]) -> list[int]:
    """Both act on the order by this schedule; gives how many steps each had. A refusal of the shop is an answer, anything else is not."""
    turns, bugs = Turns(schedule), []
    house.reach = turns.reach

    def run(me: int) -> None:
        turns.mine.number = me
        with house.app.app_context():
            try:
                acts[me](house, order_id)
            except ShopError:
                pass
            except Exception as bug:  # noqa: BLE001 - told below
                bugs.append(bug)
            finally:
                turns.leave(me)
                db.session.remove()

    threads = [threading.Thread(target=run, args=(me,)) for me in (0, 1)]
    with watching(db.engine, turns.reach):
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(PATIENCE_S * 3)
    house.reach = lambda _place: None
    assert bugs == [], schedule
    return turns.steps


def schedules(first: int, second: int) -> Iterator[tuple[int, ...]]:
    """Every order of so many steps of each, spread evenly where there are too many."""
    every = list(combinations(range(first + second), first))
    for chosen in every[:: max(1, len(every) // MOST_SCHEDULES)]:
        yield tuple(0 if place in chosen else 1 for place in range(first + second))


# What two may do at once


def pay(house: House, order_id: int) -> None:
    house.reach("call")  # the customer may think for a while on the bank's page
    house.approve(order_id)
    settle_order(order_id, at=house.at)


def pay_again(house: House, order_id: int) -> None:
    start_payment(order_id, gateway="test_card", at=house.at)
    settle_order(order_id, at=house.at)


def cancel(house: House, order_id: int) -> None:
    cancel_order(order_id, by=ANA, at=house.at)


def expire(house: House, order_id: int) -> None:
    end_if_unpaid(order_id, at=house.at + timedelta(hours=2))


def take_transfer(house: House, order_id: int) -> None:
    record_bank_payment(order_id, by=ANA, at=house.at)


def edit(house: House, order_id: int) -> None:
    edit_order(order_id, Edit(pieces={house.lines(order_id)[0]: 1}), by=ANA, at=house.at)


def refund_some(press: str) -> Act:
    def act(house: House, order_id: int) -> None:
        with db.engine.connect() as link:
            payment = link.execute(select(Payment.id, Payment.captured_minor).where(Payment.order_id == order_id)).one()
        refund_payment(payment.id, press=press, amount_minor=payment.captured_minor * 2 // 3, by=ANA, at=house.at)

    return act


def waits(house: House) -> int:
    return house.order().id


def is_paid(house: House) -> int:
    return house.paid().id


PAIRS: dict[str, tuple[Callable[[House], int], Act, Act]] = {
    "pay and cancel": (waits, pay, cancel),
    "pay and expire": (waits, pay, expire),
    "pay and edit": (waits, pay, edit),
    "pay twice": (waits, pay, pay_again),
    "pay by card and by transfer": (waits, pay, take_transfer),
    "refund and refund": (is_paid, refund_some("one"), refund_some("two")),
    "the same refund": (is_paid, refund_some("one"), refund_some("one")),
    "refund and cancel": (is_paid, refund_some("one"), cancel),
    "refund and edit": (is_paid, refund_some("one"), edit),
    "edit and cancel": (is_paid, edit, cancel),
}


@pytest.mark.parametrize("name", PAIRS)
def test_two_at_once_in_every_order_of_their_steps(house: House, name: str) -> None:
    prepare, one, two = PAIRS[name]
    steps = run_by_turns(house, (one, two), prepare(house), ())
    tried = 0
    for schedule in schedules(*steps):
        run_by_turns(house, (one, two), prepare(house), schedule)
        tried += 1

    house.heal()

    assert house.wrongs() == []
    print(f"\n{name}: {steps[0]} and {steps[1]} steps, {tried} orders of them")


def test_who_reads_first_and_writes_later_is_found_out(house: House) -> None:
    """Planted: a refund that looks at what is left before its transaction, and adds it without a guard."""
    from sqlalchemy import insert, update

    from shop.db import transaction
    from shop.payment.models import Refund, State

    def careless(press: str) -> Act:
        def act(house: House, order_id: int) -> None:
            payment = row(
                select(Payment.id, Payment.key, Payment.captured_minor, Payment.refunded_minor).where(Payment.order_id == order_id)
            )
            share = payment.captured_minor * 2 // 3
            if payment.refunded_minor + share > payment.captured_minor:
                return
            with transaction() as session:
                session.execute(update(Payment).where(Payment.id == payment.id).values(refunded_minor=payment.refunded_minor + share))
                values = {"payment_id": payment.id, "key": f"{payment.key}:{press}", "amount_minor": share, "state": State.PENDING}
                session.execute(insert(Refund).values(**values, actor=ANA, created_at=house.at))

        return act

    for schedule in schedules(1, 1):
        run_by_turns(house, (careless("one"), careless("two")), house.paid().id, schedule)

    assert any(wrong.startswith("I07") for wrong in house.wrongs())
