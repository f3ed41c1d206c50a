from __future__ import annotations

import pytest

from shop.catalog.transfer.values import (
    Unreadable,
    parse_flag,
    parse_price,
    parse_stock,
    parse_weight,
    protect_cell,
    unprotect_cell,
    unprotect_code,
)
from shop.money import Money


@pytest.mark.parametrize(
    ("text", "currency", "minor"),
    [
        ("12.50", "EUR", 1250),
        ("12,50", "EUR", 1250),
        ("1.234,99", "EUR", 123499),
        ("1,234.99", "EUR", 123499),
        ("1 250,00", "EUR", 125000),
        ("1\u202f250,00 €", "EUR", 125000),
        ("1'250.00", "EUR", 125000),
        ("1.234.567", "EUR", 123456700),
        ("1,250", "EUR", 125000),
        ("0.00", "EUR", 0),
        (".5", "EUR", 50),
        ("100.0000", "EUR", 10000),
        ("$19.99", "USD", 1999),
        ("352 AED", "AED", 35200),
        ("10.000 KWD", "KWD", 10000),
        ("EUR 7", "EUR", 700),
        ("1500", "JPY", 1500),
    ],
)
def test_prices_are_read_as_the_world_writes_them(text: str, currency: str, minor: int) -> None:
    assert parse_price(text, currency) == Money(minor, currency)


def test_the_currency_in_the_cell_counts() -> None:
    assert parse_price("10.000 KWD", "EUR") == Money(10000, "KWD")


def test_one_mark_and_three_digits_depend_on_how_the_file_writes_decimals() -> None:
    assert parse_price("1.250", "EUR", comma_decimals=True) == Money(125000, "EUR")
    with pytest.raises(Unreadable):
        parse_price("1.250", "EUR")
    with pytest.raises(Unreadable):
        parse_price("1,250", "EUR", comma_decimals=True)


@pytest.mark.parametrize(
    "text",
    ["call us", "-5.00", "7.005", "NaN", "1e3", "1_0", "٣", "２６", "1.2.3,4,5", "12,34,56", "", "9" * 30, "5 XYZ", "--", "1,23,4.5"],
)
def test_what_is_no_price_is_refused_with_a_remedy(text: str) -> None:
    with pytest.raises(Unreadable) as refused:
        parse_price(text, "EUR")

    assert refused.value.remedy


def test_yen_have_no_decimals() -> None:
    with pytest.raises(Unreadable):
        parse_price("12.50", "JPY")


@pytest.mark.parametrize(("text", "pieces"), [("12", 12), ("-4", -4), ("7.0", 7), (" 3 ", 3)])
def test_stock_is_whole(text: str, pieces: int) -> None:
    assert parse_stock(text) == pieces


@pytest.mark.parametrize("text", ["2,5", "1e9", "٣", "many", "99999999999", ""])
def test_what_is_no_number_of_pieces_is_refused(text: str) -> None:
    with pytest.raises(Unreadable):
        parse_stock(text)


@pytest.mark.parametrize(
    ("text", "unit", "grams"), [(".5", "lbs", 227), ("0,5", "kg", 500), ("12", "g", 12), ("1", "oz", 28), ("0.0005", "kg", 1)]
)
def test_weights_become_whole_grams(text: str, unit: str, grams: int) -> None:
    assert parse_weight(text, unit) == grams


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1+1", "@SUM(1)", "\t=1", "'=1", "''=x", "plain", "'90s", "'", ""])
def test_formulas_are_guarded_and_read_back_without_loss(text: str) -> None:
    guarded = protect_cell(text)

    assert not guarded or guarded[0] not in "=+-@\t\r"
    assert unprotect_cell(guarded) == text


def test_spreadsheets_guard_numbers_with_an_apostrophe() -> None:
    assert unprotect_code("'12075") == "12075"
    assert unprotect_cell("'-1") == "-1"


def test_yes_and_no_have_many_spellings() -> None:
    assert [parse_flag(text) for text in ("TRUE", "1", "sí", "false", "0", "-1", "")] == [True, True, True, False, False, False, False]
    with pytest.raises(Unreadable):
        parse_flag("perhaps")
