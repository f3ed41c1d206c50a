"""Hypothesis tells stories: carts, orders, payments, cancellations, refunds, returns, edits and expiries in any order, couriers and bank as they please.

After every step the whole audit and the bank's ledger must be clean; at the end time passes, and they must be still.
"""

from __future__ import annotations

from contextlib import suppress
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, initialize, invariant, multiple, rule, run_state_machine_as_test
from sqlalchemy import select

from config import Config
from shop.cart.models import CartItem
from shop.cart.services import set_quantity
from shop.db import db, rows
from shop.errors import ShopError
from shop.order.changes.services import Edit, edit_order
from shop.order.returns.models import ReturnReason, ReturnRequest
from shop.order.returns.services import ask_return, decide_return, receive_return, withdraw_return
from shop.order.services import cancel_order, mark_delivered, mark_packed, ship_order
from shop.payment.gateways.base import NoAnswer
from shop.payment.queries import list_attempts, list_refunds
from shop.payment.refunds import record_bank_refund, refund_payment
from shop.payment.services import record_bank_payment, settle_order, start_payment
from shop.payment.tasks import sweep
from tests.conftest import start_afresh
from tests.fire.house import ANA, House, open_house
from tests.fire.scale import scaled

SHORT = settings(max_examples=8, stateful_step_count=15, deadline=None)
LONG = settings(max_examples=200, stateful_step_count=30, deadline=None)
PROFILE = settings(
    scaled(SHORT, LONG), suppress_health_check=list(HealthCheck), print_blob=True, derandomize=scaled(True, False), database=None
)
METHODS = st.sampled_from(["test_card", "test_card", "bank_transfer"])
SMALL = st.integers(1, 3)


class Stories(RuleBasedStateMachine):
    """One shop, lived in. What the shop refuses is no finding; whatever it does must add up."""

    app: Flask
    config: Config
    folder: Any
    patch: Any
    carts, orders = Bundle("carts"), Bundle("orders")

    def __init__(self) -> None:
        super().__init__()
        start_afresh(self.app, self.config)
        self.context = self.app.app_context()
        self.context.push()
        for leftover in self.folder.glob("bank.db*"):
            leftover.unlink()
        self.house: House = open_house(self.app, self.folder, self.patch)
        self.silent = 0
        self.house.reach = self._reach

    def _reach(self, place: str) -> None:
        """The bank is silent as often as the story says; before it acts, or after."""
        if self.silent and place in {"call", "called"}:
            self.silent -= 1
            if place == "called" or self.silent % 2:
                raise NoAnswer("the story says so")

    @initialize(target=carts, pieces=SMALL)
    def somebody_comes(self, pieces: int) -> int:
        return self.house.cart(pieces)

    @rule(target=carts, pieces=SMALL, lines=st.integers(1, 3))
    def fill_a_cart(self, pieces: int, lines: int) -> int:
        return self.house.cart(pieces, lines=lines)

    @rule(cart=carts, pieces=SMALL)
    def change_a_cart(self, cart: int, pieces: int) -> None:
        with suppress(ShopError):
            set_quantity(cart, rows(select(CartItem.id).where(CartItem.cart_id == cart))[0].id, pieces, at=self.house.at)

    @rule(target=orders, cart=carts, method=METHODS)
    def place(self, cart: int, method: str) -> Any:
        """The same cart twice is the same order."""
        with suppress(ShopError):
            order = self.house.place(cart, method)
            start_payment(order.id, gateway=order.payment_method, at=self.house.at)
            return order.id
        return multiple()

    @rule(order=orders)
    def approve(self, order: int) -> None:
        self.house.approve(order)

    @rule(order=orders)
    def come_back(self, order: int) -> None:
        settle_order(order, at=self.house.at)

    @rule(order=orders, method=METHODS)
    def pay_again(self, order: int, method: str) -> None:
        with suppress(ShopError):
            start_payment(order, gateway=method, at=self.house.at)

    @rule(order=orders)
    def transfer(self, order: int) -> None:
        with suppress(ShopError):
            record_bank_payment(order, by=ANA, at=self.house.at)

    @rule(order=orders)
    def cancel(self, order: int) -> None:
        with suppress(ShopError):
            cancel_order(order, by=ANA, at=self.house.at)

    @rule(order=orders, press=st.sampled_from("abc"), percent=st.integers(1, 120), restocks=st.booleans())
    def refund(self, order: int, press: str, percent: int, restocks: bool) -> None:
        for attempt in list_attempts(order)[:1]:
            pieces = {self.house.lines(order)[0]: 1} if percent % 2 else {}
            with suppress(ShopError):
                refund_payment(
                    attempt.id,
                    press=press,
                    pieces=pieces,
                    amount_minor=attempt.amount_minor * percent // 100,
                    restocks=restocks,
                    by=ANA,
                    at=self.house.at,
                )

    @rule(order=orders)
    def send_refunds_by_hand(self, order: int) -> None:
        for refund in list_refunds(order):
            with suppress(ShopError):
                record_bank_refund(refund.id, by=ANA, at=self.house.at)

    @rule(order=orders, pieces=st.integers(0, 3), more=st.integers(0, 2))
    def edit(self, order: int, pieces: int, more: int) -> None:
        added = [(self.house.goods[2].variant_id, more)] if more else []
        with suppress(ShopError):
            edit_order(order, Edit(pieces={self.house.lines(order)[0]: pieces}, added=added), by=ANA, at=self.house.at)

    @rule(order=orders, some=st.booleans())
    def ship(self, order: int, some: bool) -> None:
        with suppress(ShopError):
            ship_order(order, [(self.house.lines(order)[0], 1)] if some else (), by=ANA, at=self.house.at)

    @rule(order=orders)
    def pack(self, order: int) -> None:
        with suppress(ShopError):
            mark_packed(order, by=ANA, at=self.house.at)

    @rule(order=orders)
    def deliver(self, order: int) -> None:
        with suppress(ShopError):
            ship_order(order, by=ANA, at=self.house.at)
        with suppress(ShopError):
            mark_delivered(order, by=ANA, at=self.house.at)

    @rule(order=orders, pieces=SMALL)
    def ask_back(self, order: int, pieces: int) -> None:
        with suppress(ShopError):
            ask_return(order, [(self.house.lines(order)[0], pieces)], reason=ReturnReason.WITHDRAWAL, by="customer", at=self.house.at)

    @rule(
        order=orders,
        verdict=st.sampled_from(["approve", "refuse", "withdraw", "receive"]),
        restocks=st.booleans(),
        percent=st.integers(0, 110),
    )
    def go_on_with_returns(self, order: int, verdict: str, restocks: bool, percent: int) -> None:
        for request in rows(select(ReturnRequest.id).where(ReturnRequest.order_id == order)):
            with suppress(ShopError):
                if verdict == "receive":
                    received = {self.house.lines(order)[0]: (1, int(restocks))}
                    receive_return(request.id, received, refund_minor=1450 * percent // 100, by=ANA, at=self.house.at)
                elif verdict == "withdraw":
                    withdraw_return(request.id, by="customer", at=self.house.at)
                else:
                    decide_return(request.id, approve=verdict == "approve", by=ANA, at=self.house.at)

    @rule(times=st.integers(1, 3))
    def the_bank_falls_silent(self, times: int) -> None:
        self.silent = times

    @rule(minutes=st.sampled_from([1, 16, 61, 60 * 25]))
    def time_passes(self, minutes: int) -> None:
        self.silent = 0
        self.house.pass_time(timedelta(minutes=minutes))

    @rule()
    def couriers_come(self) -> None:
        self.house.carry()

    @rule()
    def sweeps_come(self) -> None:
        sweep(self.house.at)

    @invariant()
    def it_adds_up(self) -> None:
        assert self.house.wrongs(is_settled=False) == []

    def teardown(self) -> None:
        try:
            self.silent = 0
            self.house.heal()
            assert self.house.wrongs() == []
        finally:
            db.session.remove()
            self.context.pop()


def test_every_story_adds_up(app: Flask, config: Config, tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    told = type("Told", (Stories,), {"app": app, "config": config, "folder": tmp_path, "patch": monkeypatch})

    run_state_machine_as_test(told, settings=PROFILE)


def test_a_story_with_a_forgotten_movement_is_found_out(app: Flask, config: Config, tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Planted: canceling gives the pieces back without a row in the ledger of the stock."""
    monkeypatch.setattr("shop.order.services.give_back_stock", lambda *_args, **_kwargs: [])
    told = type("Told", (Stories,), {"app": app, "config": config, "folder": tmp_path, "patch": monkeypatch})

    with pytest.raises(AssertionError):
        run_state_machine_as_test(told, settings=settings(PROFILE, max_examples=60, derandomize=True, phases=[Phase.generate]))
