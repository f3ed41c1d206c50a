"""Why nothing can come to a door, and which field to change."""

from __future__ import annotations

from dataclasses import replace

import pytest

from shop.pricing.delivery import Basket, Delivery, Measure, Obstacle, find_obstacle
from shop.pricing.places import Destination

LETTER = Delivery("letter", "Letter", "delivery", 200, None, "goods", measure=Measure.WEIGHT, most=500)
PARCEL = replace(LETTER, code="parcel", most=5_000)
COUNTER = Delivery("counter", "At the counter", "pickup", 0, None, "goods")
SEVILLE = Destination("ES", "SE", "41003")
HEAVY = Basket(1_000, weight_g=6_000, count=1)


def obstacle(ways: list[Delivery], place: Destination = SEVILLE, basket: Basket = HEAVY, *, is_reached: bool = True) -> Obstacle | None:
    return find_obstacle(place, ways, basket, is_country_reached=is_reached)


def test_what_some_way_takes_has_no_obstacle() -> None:
    assert obstacle([LETTER, PARCEL], basket=Basket(1_000, weight_g=5_000)) is None
    assert obstacle([LETTER, replace(PARCEL, most=None)]) is None


def test_too_much_names_the_most_that_any_way_takes() -> None:
    assert obstacle([LETTER, PARCEL, replace(LETTER, code="other")]) == Obstacle("weight", "shipping_method", 6_000, 5_000, False)
    assert obstacle([PARCEL, COUNTER]) == Obstacle("weight", "shipping_method", 6_000, 5_000, True)


@pytest.mark.parametrize(
    ("place", "is_reached", "field"),
    [
        (SEVILLE, True, "postcode"),
        (Destination("ES", "SE", ""), True, "region"),
        (Destination("ES", "", ""), True, "country"),
        (SEVILLE, False, "country"),
    ],
)
def test_a_place_that_nobody_goes_to_names_the_part_of_the_address(place: Destination, is_reached: bool, field: str) -> None:
    assert obstacle([], place, is_reached=is_reached) == Obstacle("place", field, 0, 0, False)
    assert obstacle([COUNTER], place, is_reached=is_reached) == Obstacle("place", field, 0, 0, True)
