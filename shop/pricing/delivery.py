"""Ways to deliver, as pure rules: what a method costs for a basket, whether it takes it, and in which zone an address lies.

No database, no request. An address lies in one zone only, the most specific that has it; a method delivers where it has a price for that zone.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum

from shop.pricing.places import Destination, plain_postcode

GOODS = "goods"
"""The tax class of a delivery that is taxed as the goods are that it brings, by their shares."""


class Measure(StrEnum):
    """What the price of a delivery depends on."""

    NONE = "none"
    AMOUNT = "amount"
    WEIGHT = "weight"
    COUNT = "count"


@dataclass(frozen=True, slots=True)
class Basket:
    """What is to be delivered: worth of all goods as shown; grams and pieces of those that need a delivery."""

    amount_minor: int
    weight_g: int = 0
    count: int = 0

    def measured(self, measure: str) -> int:
        """How much of ``measure`` there is."""
        return {Measure.AMOUNT: self.amount_minor, Measure.WEIGHT: self.weight_g, Measure.COUNT: self.count}.get(Measure(measure), 0)


@dataclass(frozen=True, slots=True)
class Step:
    """From so much of the measure on (included) it costs this."""

    from_value: int
    price_minor: int


@dataclass(frozen=True, slots=True)
class Delivery:
    """A way to deliver to one place. It costs ``price_minor``, or what the highest reached step says; nothing from ``free_from_minor`` of goods on.

    ``kind`` is ``delivery`` or ``pickup``; ``most`` is the most of the measure that it takes, None for all; ``tax_class`` may be ``GOODS``.
    """

    code: str
    name: str
    kind: str
    price_minor: int
    free_from_minor: int | None
    tax_class: str
    note: str = ""
    measure: str = Measure.NONE
    steps: tuple[Step, ...] = ()
    most: int | None = None

    @property
    def is_pickup(self) -> bool:
        return self.kind == "pickup"

    def takes(self, basket: Basket) -> bool:
        """Is the basket not too much for it?"""
        return self.most is None or basket.measured(self.measure) <= self.most

    def price_for(self, basket: Basket) -> int:
        """What it costs with this basket, as prices are shown; ``takes`` says whether it can."""
        if self.free_from_minor is not None and basket.amount_minor >= self.free_from_minor:
            return 0
        reached = [step for step in self.steps if step.from_value <= basket.measured(self.measure)]
        return max(reached, key=lambda step: step.from_value).price_minor if reached else self.price_minor


@dataclass(frozen=True, slots=True)
class Area:
    """A country, or a part of it: a region by the code that its post uses, or postcodes from … to, compared by as many characters as are given."""

    country: str
    region: str = ""
    postcode_from: str = ""
    postcode_to: str = ""

    def has(self, place: Destination) -> bool:
        """Does the place lie here? A part of a country has nobody whose region or postcode is unknown."""
        if self.country != place.country or (self.region and self.region.casefold() != place.region.casefold()):
            return False
        if not self.postcode_from:
            return True
        first, last, code = plain_postcode(self.postcode_from), plain_postcode(self.postcode_to or self.postcode_from), place.plain_postcode
        return len(code) >= len(first) and first <= code[: len(first)] and code[: len(last)] <= last

    @property
    def narrowness(self) -> tuple[int, int]:
        """The more, the more specific: postcodes before regions before a country, longer postcodes first."""
        return (2 if self.postcode_from else 1 if self.region else 0, len(plain_postcode(self.postcode_from)))


@dataclass(frozen=True, slots=True)
class Zone:
    """A named set of areas in which deliveries cost the same. Without any area it is the rest of the world."""

    code: str
    name: str
    areas: tuple[Area, ...] = ()

    def fit(self, place: Destination) -> tuple[int, int] | None:
        """How specifically the zone has the place; None when it has it not."""
        if not self.areas:
            return (-1, 0)
        return max((area.narrowness for area in self.areas if area.has(place)), default=None)


def zone_of(zones: Sequence[Zone], place: Destination) -> Zone | None:
    """The most specific zone that has the place; of two that are alike the first."""
    fits = [(fit, -number) for number, zone in enumerate(zones) if (fit := zone.fit(place)) is not None]
    return zones[-max(fits)[1]] if fits else None


def ways_to(offers: Iterable[tuple[str | None, Delivery]], zones: Sequence[Zone], place: Destination) -> list[Delivery]:
    """The ways to a place, of all ``offers`` (code of the zone, delivery): each method at its price for the zone, else at the one without a zone."""
    zone = zone_of(zones, place)
    found: dict[str, Delivery] = {}
    for code, delivery in offers:
        if zone is not None and code == zone.code:
            found[delivery.code] = delivery
        elif code is None:
            found.setdefault(delivery.code, delivery)
    return list(found.values())


def that_take(deliveries: Iterable[Delivery], basket: Basket) -> list[Delivery]:
    """The ways that can bring this basket."""
    return [delivery for delivery in deliveries if delivery.takes(basket)]


@dataclass(frozen=True, slots=True)
class Obstacle:
    """Why nothing comes to the door. ``what`` is ``place``, or the measure of which the basket has too much; ``field`` is the part of the
    address that is the reason, or ``shipping_method``."""

    what: str
    field: str
    has: int = 0
    most: int = 0
    can_be_collected: bool = False


def find_obstacle(place: Destination, deliveries: Iterable[Delivery], basket: Basket, *, is_country_reached: bool) -> Obstacle | None:
    """What keeps this basket from being brought to that place; None where some way leads to the door. ``deliveries`` are all ways to the place."""
    ways = list(deliveries)
    to_door = [way for way in ways if not way.is_pickup]
    if any(way.takes(basket) for way in to_door):
        return None
    can_be_collected = any(way.is_pickup for way in that_take(ways, basket))
    if to_door:
        widest = max(to_door, key=lambda way: way.most or 0)
        measured = basket.measured(widest.measure)
        return Obstacle(widest.measure, "shipping_method", measured, widest.most or 0, can_be_collected)
    part = ("postcode" if place.postcode else "region" if place.region else "country") if is_country_reached else "country"
    return Obstacle("place", part, can_be_collected=can_be_collected)
