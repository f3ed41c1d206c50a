"""Money counts whole minor units; shares sum to the whole; currencies never mix."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shop.money import CurrencyMismatch, Money, decimals, format_minor, parse_amount, total

minors = st.integers(-(10**12), 10**12)
weights = st.lists(st.integers(0, 10**6), min_size=1, max_size=20).filter(any)


@given(minors, weights)
def test_shares_sum_to_the_whole(minor, parts):
    shares = Money(minor, "EUR").allocate(parts)

    assert sum(share.minor for share in shares) == minor
    assert len(shares) == len(parts)


@given(minors, weights)
def test_no_share_is_further_than_one_unit_from_its_due(minor, parts):
    for share, weight in zip(Money(minor, "EUR").allocate(parts), parts, strict=True):
        assert abs(share.minor * sum(parts) - minor * weight) < sum(parts)


@given(minors, minors)
def test_plus_and_minus_are_each_others_way_back(one, other):
    assert Money(one, "EUR") + Money(other, "EUR") - Money(other, "EUR") == Money(one, "EUR")


@given(st.integers(0, 10**12), st.sampled_from(["JPY", "EUR", "KWD"]))
def test_a_decimal_amount_comes_back_in_every_currency(minor, currency):
    amount = Money(minor, currency)

    assert Money.from_decimal(amount.to_decimal(), currency) == amount


@pytest.mark.parametrize("bad", [[], [0, 0], [-1, 2]])
def test_impossible_weights_are_refused(bad):
    with pytest.raises(ValueError, match="weights"):
        Money(100, "EUR").allocate(bad)


def test_currencies_do_not_mix():
    with pytest.raises(CurrencyMismatch):
        Money(1, "EUR") + Money(1, "USD")
    with pytest.raises(CurrencyMismatch):
        assert Money(1, "EUR") < Money(1, "USD")


@pytest.mark.parametrize("wrong", [1.0, Decimal(1), "1", True])
def test_only_whole_numbers_are_minor_units(wrong):
    with pytest.raises(TypeError):
        Money(wrong, "EUR")


def test_multiplying_by_a_float_is_a_type_error():
    with pytest.raises(TypeError):
        Money(100, "EUR") * 1.5


@pytest.mark.parametrize(("currency", "expected"), [("EUR", 2), ("JPY", 0), ("KWD", 3)])
def test_each_currency_has_its_decimals(currency, expected):
    assert decimals(currency) == expected


@pytest.mark.parametrize(
    ("text", "currency", "minor"),
    [("19.99", "EUR", 1999), ("19,9", "EUR", 1990), (" 7 ", "EUR", 700), ("1250", "JPY", 1250), ("1.234", "KWD", 1234)],
)
def test_people_type_amounts(text, currency, minor):
    assert parse_amount(text, currency) == Money(minor, currency)


@pytest.mark.parametrize(
    "text", ["", "-1", "+1", "1e3", "NaN", "Infinity", "1_0", "٣", "1.234", "1,234.50", "1 000", "0x10", "9" * 40, "1.", ".5"]
)
def test_what_is_no_amount_is_refused(text):
    with pytest.raises(ValueError, match=r"amount|decimals"):
        parse_amount(text, "EUR")


def test_amounts_are_written_as_their_readers_write():
    assert format_minor(123450, "EUR", "en") == "€1,234.50"
    assert format_minor(123450, "EUR", "es") == "1.234,50\xa0€"
    assert format_minor(1234567, "JPY", "en") == "¥1,234,567"


def test_the_sum_of_nothing_has_a_currency():
    assert total([], "EUR") == Money(0, "EUR")
