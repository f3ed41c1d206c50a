"""Customers who buy the whole way, press again when nobody answers, and keep a history of what they were told."""

from __future__ import annotations

import asyncio
import random
import re
from collections import Counter
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, urlsplit

from tests.fire.crowd import FIELD, Refusal, Reply, ask, order_body, order_form, with_a_cart

PRESSES = 400  # so often somebody presses again; with the pauses some minutes
LOOKS = 60
PAUSE_S = 0.3
NUMBER = re.compile(r"/orders/([A-Z0-9-]+)")


class GaveUp(Exception):
    """Nobody answered for minutes, or not understandably."""


@dataclass
class History:
    """What one customer was told, in order."""

    email: str
    told: Counter[int] = field(default_factory=Counter)
    strange: list[str] = field(default_factory=list)
    number: str = ""
    key: str = ""
    saw: str = ""


@dataclass
class Customer:
    """Buys ``variant_id`` at the shop on ``port`` and pays at the bank on ``bank_port``."""

    port: int
    bank_port: int
    variant_id: int
    history: History
    dice: random.Random
    is_program: bool = False

    async def buy(self) -> History:
        try:
            page = await (self._order_as_program() if self.is_program else self._order())
            if page:
                await self._pay(page)
            await self._look_until_told()
        except GaveUp as gone:
            self.history.strange.append(f"gave up: {gone}")
        return self.history

    async def _insist(self, method: str, path: str, fine: set[int], **more: Any) -> Reply:
        """Press until one of the fine answers comes. A worker that was killed answers nothing; a shop without its database says 503 and when."""
        for _press in range(PRESSES):
            reply = await ask(self.port, method, path, **more)
            self._note(reply, path)
            if reply.status in fine:
                return reply
            busy = reply.status == 409 and "key-in-use" in reply.text
            if reply.status not in {0, 503} and not busy:
                raise GaveUp(f"{method} {path}: {reply.status} {reply.text[:300]}")
            await asyncio.sleep(PAUSE_S if reply.status != 409 else 1)
        raise GaveUp(f"{method} {path}: nobody answered")

    def _note(self, reply: Reply, path: str) -> None:
        self.history.told[reply.status] += 1
        if reply.status >= 500 and not (reply.status == 503 and reply.header("retry-after")):
            self.history.strange.append(f"{path}: {reply.status}")

    async def _order(self) -> str:
        """As a person on the page; gives where to pay."""
        cookies = await self._fill_a_cart()
        page = await self._insist("GET", "/checkout", {200}, cookies=cookies)
        form = order_form(self.history.email, "test_card") | dict(FIELD.findall(page.text))
        reply = await self._insist("POST", "/orders", {303}, form=form, cookies=cookies | page.cookies)
        return await self._whereto(reply.header("location"))

    async def _order_as_program(self) -> str:
        """By JSON, with an idempotency key; gives where to pay."""
        cookies = await self._fill_a_cart()
        said, key = order_body(self.history.email, "test_card"), f"order-{self.history.email}"
        reply = await self._insist("POST", "/api/v1/orders", {201}, said=said, cookies=cookies, Idempotency_Key=key)
        self._remember(reply.header("location"))
        return await self._whereto(reply.json["payment"]["next"] or "")

    async def _fill_a_cart(self) -> dict[str, str]:
        for _press in range(PRESSES):
            try:
                return await with_a_cart(self.port, [(self.variant_id, 1)])
            except Refusal:
                await asyncio.sleep(PAUSE_S)
        raise GaveUp("no cart")

    async def _whereto(self, location: str) -> str:
        """The bank's page; or the order's, from which one goes on to it."""
        if f":{self.bank_port}/" in location:
            return location
        self._remember(location)
        return await self._pay_from_the_page()

    def _remember(self, location: str) -> None:
        found = NUMBER.search(location)
        if found:
            self.history.number = found[1]
            self.history.key = parse_qs(urlsplit(location).query).get("key", [""])[0] or self.history.key

    async def _pay_from_the_page(self) -> str:
        """Press "pay" on the order's page; gives the bank's page, or nothing where there is nothing to pay."""
        form = {"key": self.history.key, "payment_method": "test_card"}
        reply = await self._insist("POST", f"/orders/{self.history.number}/payments", {303}, form=form)
        location = reply.header("location")
        return location if f":{self.bank_port}/" in location else ""

    async def _pay(self, page: str) -> None:
        """Approve on the bank's page. Its answer may get lost; one in ten closes the window instead of going back to the shop."""
        reply = await ask(self.bank_port, "POST", urlsplit(page).path, form={"answer": "approve"})
        if reply.status == 303:
            back = urlsplit(reply.header("location"))
            self._remember(reply.header("location"))
            if self.dice.random() < 0.9:
                await self._insist("GET", f"{back.path}?{back.query}", {303})

    async def _look_until_told(self) -> None:
        """Look at the order until its payment is clear; whoever reads that it is not paid presses "pay" once more, as people do."""
        if not self.history.number:
            return  # the answer with the number got lost, and so did the bank's: only the mail tells
        for _look in range(LOOKS):
            reply = await self._insist("GET", f"/api/v1/orders/{self.history.number}?key={self.history.key}", {200})
            self.history.saw = reply.json["payment"]["state"]
            if self.history.saw == "unpaid":
                page = await self._pay_from_the_page()
                if page:
                    await self._pay(page)
            elif self.history.saw != "checking":
                return
            await asyncio.sleep(1)
