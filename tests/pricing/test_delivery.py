"""Zones, measures and steps: pure rules."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shop.pricing.delivery import Area, Basket, Delivery, Measure, Step, Zone, that_take, ways_to, zone_of
from shop.pricing.goods import basket_of
from shop.pricing.places import Destination
from tests.pricing.worlds import make_item

HOME = Zone("home", "Spain", (Area("ES"),))
ISLANDS = Zone(
    "islands", "Islands", (Area("ES", postcode_from="35", postcode_to="35"), Area("ES", postcode_from="38000", postcode_to="38999"))
)
REGION = Zone("balearic", "Balearic Islands", (Area("ES", region="Balears"),))
EU = Zone("eu", "European Union", (Area("FR"), Area("DE"), Area("IE")))
WORLD = Zone("world", "Rest of the world")
ZONES = (WORLD, HOME, ISLANDS, REGION, EU)
PARCEL = Delivery("parcel", "Parcel", "delivery", 490, 6000, "goods")
HEAVY = Delivery(
    "heavy", "Freight", "delivery", 500, None, "goods", measure="weight", steps=(Step(2000, 900), Step(10_000, 1900)), most=30_000
)


@pytest.mark.parametrize(
    ("place", "zone"),
    [
        (Destination("ES"), "home"),
        (Destination("ES", postcode="28001"), "home"),
        (Destination("ES", postcode="35001"), "islands"),
        (Destination("ES", postcode="38000"), "islands"),
        (Destination("ES", postcode="38999"), "islands"),
        (Destination("ES", postcode="37999"), "home"),
        (Destination("ES", postcode="39000"), "home"),
        (Destination("ES", "balears", "07001"), "balearic"),
        (Destination("ES", "Balears", "35001"), "islands"),  # a postcode says more than a region
        (Destination("IE"), "eu"),  # a country of which nobody needs a postcode
        (Destination("IE", postcode="D02 AF30"), "eu"),
        (Destination("JP", postcode="100-0001"), "world"),
    ],
)
def test_the_most_specific_zone_that_has_the_place_wins_in_any_order(place: Destination, zone: str) -> None:
    assert [found.code for zones in (ZONES, ZONES[::-1]) if (found := zone_of(zones, place))] == [zone, zone]


def test_a_place_of_no_zone_lies_nowhere() -> None:
    assert zone_of((HOME, EU), Destination("JP")) is None


@pytest.mark.parametrize(
    ("postcode", "is_in"), [("BT1 1AA", True), ("bt94 4zz", True), ("BS1 1AA", False), ("B1 1AA", False), ("", False), ("BT", True)]
)
def test_postcodes_with_letters_are_compared_by_their_beginning(postcode: str, is_in: bool) -> None:
    assert Area("GB", postcode_from="BT", postcode_to="BT").has(Destination("GB", postcode=postcode)) is is_in


def test_a_method_has_the_price_of_the_zone_and_a_pickup_is_offered_anywhere() -> None:
    counter = Delivery("counter", "Counter", "pickup", 0, None, "goods")
    offers = [("home", PARCEL), ("islands", HEAVY), (None, counter), ("eu", PARCEL)]

    assert ways_to(offers, ZONES, Destination("ES", postcode="28001")) == [PARCEL, counter]
    assert ways_to(offers, ZONES, Destination("ES", postcode="35001")) == [HEAVY, counter]
    assert ways_to(offers, ZONES, Destination("JP")) == [counter]


@pytest.mark.parametrize(("grams", "price"), [(0, 500), (1999, 500), (2000, 900), (9999, 900), (10_000, 1900), (30_000, 1900)])
def test_a_step_begins_at_its_value(grams: int, price: int) -> None:
    assert HEAVY.price_for(Basket(1000, grams, 1)) == price


def test_what_is_too_much_is_not_taken() -> None:
    assert that_take([PARCEL, HEAVY], Basket(1000, 30_000, 1)) == [PARCEL, HEAVY]
    assert that_take([PARCEL, HEAVY], Basket(1000, 30_001, 1)) == [PARCEL]


def test_it_is_free_from_an_amount_of_goods_on() -> None:
    assert (PARCEL.price_for(Basket(5999)), PARCEL.price_for(Basket(6000))) == (490, 0)


def test_steps_by_pieces_and_by_amount_look_at_pieces_and_amount() -> None:
    by_count = Delivery("c", "C", "delivery", 100, None, "goods", measure="count", steps=(Step(3, 250),))
    by_amount = Delivery("a", "A", "delivery", 700, None, "goods", measure="amount", steps=(Step(5000, 300),), most=9000)

    assert (by_count.price_for(Basket(0, 0, 2)), by_count.price_for(Basket(0, 0, 3))) == (100, 250)
    assert (by_amount.price_for(Basket(4999)), by_amount.price_for(Basket(5000))) == (700, 300)
    assert not by_amount.takes(Basket(9001))


steps = st.lists(st.builds(Step, st.integers(0, 1000), st.integers(0, 10**6)), max_size=6, unique_by=lambda step: step.from_value)


@given(steps, st.integers(0, 1100), st.integers(0, 10**6), st.randoms())
def test_the_order_of_steps_does_not_matter_and_a_price_is_one_that_was_written(
    written: list[Step], value: int, price: int, random: object
) -> None:
    shuffled = list(written)
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    basket = Basket(0, value, 0)

    found = Delivery("d", "D", "delivery", price, None, "goods", measure="weight", steps=tuple(shuffled)).price_for(basket)

    assert found == Delivery("d", "D", "delivery", price, None, "goods", measure="weight", steps=tuple(written)).price_for(basket)
    assert found in {price, *(step.price_minor for step in written)}


def test_a_zone_is_as_specific_as_the_narrowest_of_its_areas_that_has_the_place() -> None:
    wide_and_narrow = Zone("both", "Both", (Area("ES"), Area("ES", postcode_from="35", postcode_to="35")))

    assert wide_and_narrow.fit(Destination("ES", postcode="35001")) == (2, 2)
    assert wide_and_narrow.fit(Destination("ES", postcode="28001")) == (0, 0)


def test_what_is_weighed_and_counted_is_only_what_is_sent() -> None:
    parcel = make_item(1000, 3, weight_g=300)
    voucher = make_item(500, 2, variant_id=2, weight_g=10, requires_shipping=False)

    assert basket_of([parcel, voucher]) == Basket(amount_minor=4000, weight_g=900, count=3)


def test_the_words_of_measures_stand_in_tables_and_do_not_change() -> None:
    assert [measure.value for measure in Measure] == ["none", "amount", "weight", "count"]


def test_a_basket_weighs_nothing_and_holds_nothing_unless_it_says_so() -> None:
    assert (Basket(100).weight_g, Basket(100).count) == (0, 0)
