from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shop.money import decimals
from shop.pricing.delivery import Delivery
from shop.pricing.goods import Item
from shop.pricing.quote import Quote, make_quote
from shop.pricing.rounding import round_half_up
from shop.pricing.trace import trace_of
from tests.pricing import worlds
from tests.pricing.worlds import PARCEL, make_item, promotion


def quote_of(*items: Item, **other: Any) -> Quote:
    return worlds.quote_of(*items, **{"delivery": PARCEL, **other})


items = st.lists(
    st.builds(
        make_item,
        st.integers(0, 10**9),
        st.integers(1, 9999),
        variant_id=st.integers(1, 10**6),
        tax_class=st.sampled_from(["standard", "food", "books", "unknown"]),
    ),
    max_size=12,
)
deliveries = st.none() | st.builds(
    Delivery,
    st.just("standard"),
    st.just("Parcel"),
    st.just("delivery"),
    st.integers(0, 10**6),
    st.none() | st.integers(0, 10**9),
    st.sampled_from(["standard", "food"]),
)
currencies = st.sampled_from(["EUR", "JPY", "KWD"])


@pytest.mark.parametrize(
    ("numerator", "denominator", "rounded"),
    [
        (0, 3, 0),
        (1, 3, 0),
        (1, 2, 1),
        (2, 3, 1),
        (3, 2, 2),
        (5, 2, 3),
        (-1, 2, -1),
        (-1, 3, 0),
        (-5, 2, -3),
        (10**30 + 1, 2, 5 * 10**29 + 1),
    ],
)
def test_a_half_goes_up(numerator: int, denominator: int, rounded: int) -> None:
    assert round_half_up(numerator, denominator) == rounded


@given(st.integers(-(10**20), 10**20), st.integers(1, 10**6))
def test_rounding_is_never_further_than_a_half(numerator: int, denominator: int) -> None:
    assert abs(round_half_up(numerator, denominator) - Fraction(numerator, denominator)) <= Fraction(1, 2)


def test_gross_prices_contain_the_tax() -> None:
    quote = quote_of(make_item(1450, 2), make_item(460, 3, variant_id=2, tax_class="food"))

    assert [(line.net_minor, line.tax_minor, line.gross_minor) for line in quote.lines] == [(2397, 503, 2900), (1255, 125, 1380)]
    assert (quote.subtotal_minor, quote.shipping_minor, quote.tax_minor, quote.total_minor) == (4280, 490, 503 + 125 + 85, 4770)


def test_net_prices_get_the_tax_on_top() -> None:
    quote = quote_of(make_item(1000, 2), include=False)

    assert (quote.subtotal_minor, quote.shipping_minor) == (2000, 490)
    assert (quote.tax_minor, quote.total_minor) == (420 + 103, 2000 + 490 + 420 + 103)


def test_each_line_is_rounded_by_itself_and_not_each_piece() -> None:
    quote = quote_of(make_item(3, 100), delivery=None)

    assert quote.tax_minor == 52


def test_a_class_without_a_rate_is_taxed_at_the_standard_one() -> None:
    assert quote_of(make_item(tax_class="wine")).lines[0].tax_rate_ppm == 210000


def test_without_any_rate_there_is_no_tax() -> None:
    quote = make_quote([make_item(1_000_000)], currency="EUR", prices_include_tax=True, tax_rates={}, delivery=None)

    assert (quote.tax_minor, quote.total_minor) == (0, 1_000_000)


@pytest.mark.parametrize(("goods", "shipping"), [(5999, 490), (6000, 0), (6001, 0)])
def test_delivery_is_free_from_the_threshold_on(goods: int, shipping: int) -> None:
    assert quote_of(make_item(goods)).shipping_minor == shipping


def test_a_free_delivery_stands_beside_the_lines_all_the_same() -> None:
    (adjustment,) = quote_of(make_item(9000)).adjustments

    assert (adjustment.kind, adjustment.source, adjustment.label, adjustment.gross_minor) == ("shipping", "standard", "Parcel", 0)


def test_delivery_is_taxed_at_its_own_class() -> None:
    quote = quote_of(make_item(tax_class="food"), delivery=replace(PARCEL, tax_class="food"))

    assert quote.adjustments[0].tax_rate_ppm == 100000


def test_pickup_costs_what_it_says() -> None:
    pickup = Delivery("pickup", "At the counter", "pickup", 0, None, "standard")

    quote = quote_of(make_item(), delivery=pickup)

    assert pickup.is_pickup
    assert (quote.shipping_minor, quote.total_minor) == (0, 1450)


def test_an_empty_cart_costs_nothing() -> None:
    quote = quote_of(delivery=None)

    assert (quote.subtotal_minor, quote.tax_minor, quote.total_minor) == (0, 0, 0)


def test_the_trace_tells_base_tax_and_rounding_of_every_part() -> None:
    trace = trace_of(quote_of(make_item(1450, 2)))

    (line,), (parcel,) = trace["lines"], trace["beside"]
    assert (line["unit"], line["base"], line["rate_ppm"], line["exact_tax"], line["tax"]) == (1450, 2900, 210_000, "609000000/1210000", 503)
    assert (parcel["source"], parcel["base"], parcel["exact_tax"], parcel["tax"]) == ("standard", 490, "102900000/1210000", 85)


@given(items, deliveries, st.booleans(), currencies)
def test_the_sums_agree(goods: list[Item], delivery: Delivery | None, include: bool, currency: str) -> None:
    quote = quote_of(*goods, include=include, delivery=delivery, currency=currency)

    parts = [*quote.lines, *quote.adjustments]
    assert all(part.net_minor + part.tax_minor == part.gross_minor for part in parts)
    assert quote.total_minor == sum(part.gross_minor for part in parts)
    assert quote.tax_minor == sum(part.tax_minor for part in parts)
    shown = quote.subtotal_minor - quote.discount_minor + quote.shipping_minor
    assert quote.total_minor == (shown if include else shown + quote.tax_minor)


@given(items, deliveries, st.booleans())
def test_nothing_is_below_zero_and_no_tax_above_its_price(goods: list[Item], delivery: Delivery | None, include: bool) -> None:
    quote = quote_of(*goods, include=include, delivery=delivery)

    assert min(quote.subtotal_minor, quote.shipping_minor, quote.tax_minor, quote.total_minor) >= 0
    assert all(0 <= part.tax_minor <= part.gross_minor and part.net_minor >= 0 for part in [*quote.lines, *quote.adjustments])


@given(items, deliveries, st.booleans(), st.randoms(use_true_random=False))
def test_the_order_of_lines_does_not_matter(goods: list[Item], delivery: Delivery | None, include: bool, random: object) -> None:
    mixed = list(goods)
    random.shuffle(mixed)  # type: ignore[attr-defined]

    one, other = quote_of(*goods, include=include, delivery=delivery), quote_of(*mixed, include=include, delivery=delivery)

    assert (one.total_minor, one.tax_minor, one.fingerprint) == (other.total_minor, other.tax_minor, other.fingerprint)


def exact_taxes(quote: Quote) -> list[tuple[Fraction, int]]:
    """Every tax before and after its rounding, as the trace tells it."""
    trace = trace_of(quote)
    return [(Fraction(part["exact_tax"]), part["tax"]) for part in [*trace["lines"], *trace["beside"]]]


@given(items, deliveries, st.booleans())
def test_the_trace_explains_every_tax(goods: list[Item], delivery: Delivery | None, include: bool) -> None:
    quote = quote_of(*goods, include=include, delivery=delivery)

    taxes = exact_taxes(quote)
    assert sum(tax for _, tax in taxes) == quote.tax_minor
    assert all(round_half_up(exact.numerator, exact.denominator) == tax for exact, tax in taxes)


@given(items, st.booleans())
def test_dividing_goods_into_lines_moves_the_tax_by_less_than_a_unit_per_line(goods: list[Item], include: bool) -> None:
    quote = quote_of(*goods, include=include, delivery=None)

    exact = sum(exact for exact, _ in exact_taxes(quote))
    assert abs(quote.tax_minor - exact) <= Fraction(len(goods), 2)


@pytest.mark.parametrize(("currency", "places"), [("JPY", 0), ("EUR", 2), ("KWD", 3)])
def test_any_number_of_decimals_is_whole_minor_units(currency: str, places: int) -> None:
    quote = quote_of(make_item(1999, 3), currency=currency)

    assert decimals(currency) == places
    assert (quote.currency, quote.subtotal_minor, quote.lines[0].tax_minor) == (currency, 5997, 1041)


@pytest.mark.parametrize(
    "other",
    [
        quote_of(make_item(1451)),
        quote_of(make_item(quantity=2)),
        quote_of(make_item(tax_class="food")),
        quote_of(make_item(variant_id=2)),
        quote_of(make_item(), delivery=None),
        quote_of(make_item(), delivery=replace(PARCEL, price_minor=500)),
        quote_of(make_item(), delivery=replace(PARCEL, code="express")),
        quote_of(make_item(), include=False),
        quote_of(make_item(), currency="JPY"),
        quote_of(make_item(), make_item(0, variant_id=2)),
        quote_of(make_item(), promotions=[promotion(percent_bp=10)]),
        quote_of(make_item(), tax_note="export"),
        quote_of(make_item(), contained_rates={"standard": 200000}),
    ],
)
def test_whatever_is_asked_to_be_paid_shows_in_the_fingerprint(other: Quote) -> None:
    assert quote_of(make_item()).fingerprint != other.fingerprint


@pytest.mark.parametrize("other", [{"code": "B"}, {"code": None}, {"id": 2}, {"percent_bp": 1_010}])
def test_which_code_counted_shows_in_the_fingerprint(other: dict[str, Any]) -> None:
    def fingerprint(**changed: Any) -> str:
        return quote_of(make_item(), promotions=[promotion(**{"code": "A", "percent_bp": 1_000, **changed})]).fingerprint

    assert fingerprint() != fingerprint(**other)
    assert fingerprint() == fingerprint(label="Sommer")


def test_names_and_languages_do_not_change_the_fingerprint() -> None:
    spanish = quote_of(replace(make_item(), name="Taza", options="Salvia"), delivery=replace(PARCEL, name="Paquete"))

    assert quote_of(make_item()).fingerprint == spanish.fingerprint
