"""What happened with each order of the demo shop, as a plan without ids: who bought what when, and how far it went."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from random import Random

from shop.demo.goods import Sold
from shop.demo.people import Buyer
from shop.demo.place import Place

MOST_LINES = 4
QUANTITIES, QUANTITY_WEIGHTS = (1, 2, 3), (70, 22, 8)
ENOUGH_TO_CANCEL = 12  # several such orders may want the same
NOTED = 0.12  # of all orders
COUNTER_GUESTS = ("Lucía", "Pablo")


class Kind(StrEnum):
    """How far an order has come."""

    DELIVERED = "delivered"
    COLLECTED = "collected"
    PARTLY_REFUNDED = "partly refunded"
    CANCELED = "canceled"
    REFUNDED = "canceled and refunded"
    SHIPPED = "shipped"
    PARTLY_SHIPPED = "partly shipped"
    PACKED = "packed"
    AT_THE_COUNTER = "waits at the counter"
    PAID = "paid"
    RETRIED = "paid at the second try"
    CHECKING = "payment being checked"
    UNPAID = "unpaid"


# How many of each, and how long ago they were placed, in hours from and to.
PLAN: tuple[tuple[Kind, int, int, int], ...] = (
    (Kind.DELIVERED, 30, 24 * 10, 24 * 89),
    (Kind.COLLECTED, 3, 24 * 6, 24 * 60),
    (Kind.PARTLY_REFUNDED, 2, 24 * 15, 24 * 60),
    (Kind.CANCELED, 3, 24 * 8, 24 * 70),
    (Kind.REFUNDED, 2, 24 * 6, 24 * 50),
    (Kind.SHIPPED, 6, 24 * 3, 24 * 6),
    (Kind.PARTLY_SHIPPED, 1, 24 * 3, 24 * 5),
    (Kind.PACKED, 2, 24 * 2, 24 * 3),
    (Kind.AT_THE_COUNTER, 2, 30, 24 * 3),
    (Kind.PAID, 4, 1, 26),
    (Kind.RETRIED, 1, 4, 20),
    (Kind.CHECKING, 1, 5, 20),
    (Kind.UNPAID, 4, 1, 24 * 3),
)
CARD_ONLY = {Kind.RETRIED, Kind.CHECKING}
AT_COUNTER = {Kind.COLLECTED, Kind.AT_THE_COUNTER}
SEVERAL_LINES = {Kind.PARTLY_SHIPPED, Kind.PARTLY_REFUNDED}
STOCK_COMES_BACK = {Kind.CANCELED, Kind.REFUNDED}
NOTES = {"en": ("Please leave it with the neighbours.", "It is a present: no invoice in the box, please."),
         "es": ("Por favor, dejadlo en la portería.", "Es un regalo: sin factura en la caja, por favor.")}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Story:
    """One order: ``lines`` are (variant, pieces)."""

    kind: Kind
    placed_at: datetime
    buyer: Buyer
    gateway: str
    note: str
    lines: tuple[tuple[Sold, int], ...]


@dataclass(frozen=True, slots=True)
class Planner:
    """Draws the stories: who may buy, what there is to buy, and the dice."""

    place: Place
    buyers: Mapping[str, Buyer]
    goods: Sequence[Sold]
    chance: Random

    def plan(self) -> list[Story]:
        """All orders, oldest first."""
        planned = [
            (self.place.now - timedelta(minutes=self.chance.randint(newest * 60, oldest * 60)), kind)
            for kind, count, newest, oldest in PLAN
            if kind not in CARD_ONLY or "test_card" in self.place.payment_methods
            for _ in range(count)
        ]
        return [self.tell(kind, placed_at) for placed_at, kind in sorted(planned)]

    def tell(self, kind: Kind, placed_at: datetime) -> Story:
        buyer = self.buyers[self.chance.choice(COUNTER_GUESTS if kind in AT_COUNTER else sorted(self.buyers))]
        note = self.chance.choice(NOTES[buyer.locale]) if self.chance.random() < NOTED else ""
        return Story(kind, placed_at, buyer, self.gateway(kind), note, self.basket(kind, placed_at))

    def gateway(self, kind: Kind) -> str:
        if kind in CARD_ONLY:
            return "test_card"
        methods = self.place.payment_methods
        if kind is Kind.UNPAID and "bank_transfer" in methods:
            return "bank_transfer"
        return self.chance.choice((*methods, methods[-1]))

    def basket(self, kind: Kind, placed_at: datetime) -> tuple[tuple[Sold, int], ...]:
        """What was in the shop by then; best sellers and what is sold out by now more often than the rest."""
        offered = {sold.piece.sku: sold for sold in self.goods if sold.published_at < placed_at and can_be_in(kind, sold)}
        fewest = 2 if kind in SEVERAL_LINES else 1
        wanted = self.chance.randint(fewest, MOST_LINES)
        pieces: Counter[str] = Counter()
        while len(pieces) < wanted:
            sku = self.chance.choices(list(offered), [liking(sold) for sold in offered.values()])[0]
            pieces[sku] += self.chance.choices(QUANTITIES, QUANTITY_WEIGHTS)[0]
        return tuple((offered[sku], count) for sku, count in pieces.items())


def can_be_in(kind: Kind, sold: Sold) -> bool:
    """What comes back to the shelf must not have been the last there was, or the ledger would have gone below zero."""
    return kind not in STOCK_COMES_BACK or sold.piece.stock >= ENOUGH_TO_CANCEL


def liking(sold: Sold) -> int:
    return 5 if sold.piece.stock == 0 else 4 if "bestseller" in sold.good.tags else 1
