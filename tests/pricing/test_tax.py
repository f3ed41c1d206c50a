"""Which tax is asked where: pure rules, borders of days and countries."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from random import Random
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shop.pricing.places import EU_COUNTRIES, Destination
from shop.pricing.quote import make_quote
from shop.pricing.rates import eu_rates, first_rates, parts_per_million, rates_of, us_rates
from shop.pricing.tax import EuSales, Rate, TaxNote, may_reverse_charge, rates_at, tax_sale
from tests.pricing.worlds import make_item

NOON = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
MADRID = ZoneInfo("Europe/Madrid")
SPAIN = Destination("ES")


def as_rates(zone: ZoneInfo = MADRID) -> list[Rate]:
    return [
        Rate(
            one.country,
            one.tax_class,
            datetime(one.since.year, one.since.month, one.since.day, tzinfo=zone).astimezone(UTC),
            one.rate_ppm,
            one.region,
            one.postcode,
        )
        for one in eu_rates()
    ]


EU = as_rates()
DESTINATION = {"eu_sales": EuSales.DESTINATION}


def standard(place: Destination, at: datetime = NOON, home: Destination = SPAIN, **how: object) -> int:
    return tax_sale(EU, place, home, at, **{**DESTINATION, **how}).rates["standard"]


@pytest.mark.parametrize(
    ("country", "day", "before", "after"),
    [
        ("EE", date(2025, 7, 1), 220000, 240000),
        ("RO", date(2025, 8, 1), 190000, 210000),
        ("SK", date(2025, 1, 1), 200000, 230000),
        ("FI", date(2024, 9, 1), 240000, 255000),
        ("DE", date(2021, 1, 1), 160000, 190000),
        ("DE", date(2020, 7, 1), 190000, 160000),
    ],
)
def test_a_rate_changes_at_midnight_of_the_shops_zone(country: str, day: date, before: int, after: int) -> None:
    midnight = datetime(day.year, day.month, day.day, tzinfo=MADRID)

    assert standard(Destination(country), midnight - timedelta(microseconds=1)) == before
    assert standard(Destination(country), midnight) == after
    # in Madrid's midnight it is still the day before in UTC: the rate of the shop's day counts
    assert midnight.astimezone(UTC).date() < day


def test_of_a_class_the_newest_rate_that_has_begun_counts_whatever_the_order_of_rows() -> None:
    backwards = list(reversed(EU))

    assert rates_at(backwards, Destination("SE"), datetime(2027, 1, 1, tzinfo=UTC))["food"] == 60000
    assert rates_at(backwards, Destination("SE"), datetime(2028, 6, 1, tzinfo=UTC))["food"] == 120000


def test_every_member_state_has_a_standard_rate_that_union_law_allows() -> None:
    rates = {country: rates_at(EU, Destination(country), NOON) for country in EU_COUNTRIES}

    assert len(rates) == 27
    assert all(150_000 <= found["standard"] <= 270_000 for found in rates.values()), "Directive 2006/112/EC, article 97: at least 15 %"
    assert all(0 <= rate <= found["standard"] for found in rates.values() for rate in found.values())


@pytest.mark.parametrize(
    ("place", "rate", "note"),
    [
        (Destination("ES", postcode="41001"), 210000, TaxNote.NONE),
        (Destination("ES", postcode="35001"), 0, TaxNote.EXPORT),  # Las Palmas
        (Destination("ES", postcode="38201"), 0, TaxNote.EXPORT),  # Tenerife
        (Destination("ES", postcode="51001"), 0, TaxNote.EXPORT),  # Ceuta
        (Destination("ES", postcode="52001"), 0, TaxNote.EXPORT),  # Melilla
        (Destination("DE", postcode="10115"), 190000, TaxNote.NONE),
        (Destination("DE", postcode="78266"), 0, TaxNote.EXPORT),  # Büsingen
        (Destination("DE", postcode="27498"), 0, TaxNote.EXPORT),  # Heligoland
        (Destination("IT", postcode="23041"), 0, TaxNote.EXPORT),  # Livigno
        (Destination("IT", postcode="22061"), 0, TaxNote.EXPORT),  # Campione
        (Destination("GR", postcode="630 86"), 0, TaxNote.EXPORT),  # Mount Athos
        (Destination("FI", postcode="22100"), 0, TaxNote.EXPORT),  # Åland
        (Destination("FR", postcode="97400"), 0, TaxNote.EXPORT),  # Réunion
        (Destination("RE", postcode="97400"), 0, TaxNote.EXPORT),
        (Destination("AT", postcode="6991"), 190000, TaxNote.NONE),  # Mittelberg
        (Destination("PT", postcode="9000-001"), 220000, TaxNote.NONE),  # Madeira
        (Destination("PT", postcode="9500-001"), 160000, TaxNote.NONE),  # Azores
        (Destination("MC", postcode="98000"), 200000, TaxNote.NONE),  # Monaco is France
        (Destination("GB", postcode="BT1 1AA"), 200000, TaxNote.NONE),  # Northern Ireland
        (Destination("GB", postcode="EC1A 1BB"), 0, TaxNote.EXPORT),
        (Destination("CH", postcode="8001"), 0, TaxNote.EXPORT),
        (Destination("US", "CA", "90001"), 0, TaxNote.EXPORT),
    ],
)
def test_the_law_knows_places_that_are_not_what_their_country_is(place: Destination, rate: int, note: TaxNote) -> None:
    sale = tax_sale(EU, place, SPAIN, NOON, **DESTINATION)

    assert (sale.rates["standard"], sale.note) == (rate, note)


def test_what_is_exported_is_freed_of_the_tax_in_its_price() -> None:
    sale = tax_sale(EU, Destination("CH"), SPAIN, NOON, **DESTINATION)

    assert set(sale.rates.values()) == {0}
    assert sale.contained == rates_at(EU, SPAIN, NOON)


def test_a_small_seller_taxes_other_member_states_at_home() -> None:
    assert standard(Destination("HU")) == 270000
    assert standard(Destination("HU"), eu_sales=EuSales.HOME) == 210000
    assert standard(Destination("CH"), eu_sales=EuSales.HOME) == 0


def test_a_member_state_without_rates_is_taxed_at_home_and_never_for_nothing() -> None:
    own = [rate for rate in EU if rate.country == "ES"]

    assert tax_sale(own, Destination("FR"), SPAIN, NOON, **DESTINATION).rates["standard"] == 210000


def test_a_shop_registered_abroad_asks_for_the_tax_there() -> None:
    swiss = Rate("CH", "standard", NOON - timedelta(days=1), 81000)

    sale = tax_sale([*EU, swiss], Destination("CH"), SPAIN, NOON, **DESTINATION)

    assert (sale.rates, sale.note) == ({"standard": 81000}, TaxNote.NONE)


def test_islands_have_the_rates_that_staff_wrote_for_them() -> None:
    igic = Rate("ES", "standard", NOON - timedelta(days=1), 70000, postcode="35")

    rates = [*EU, igic]

    assert tax_sale(rates, Destination("ES", postcode="35001"), SPAIN, NOON, **DESTINATION).rates == {"standard": 70000}
    assert tax_sale(rates, Destination("ES", postcode="28001"), SPAIN, NOON, **DESTINATION).rates["standard"] == 210000


def test_a_place_with_rates_of_its_own_uses_no_others() -> None:
    rates = [Rate("US", "standard", NOON, 0), Rate("US", "food", NOON, 0), Rate("US", "standard", NOON, 72500, region="CA")]
    us = Destination("US")

    assert tax_sale(rates, Destination("US", "CA"), us, NOON, **DESTINATION).rates == {"standard": 72500}
    assert tax_sale(rates, Destination("US", "ca"), us, NOON, **DESTINATION).rates == {"standard": 72500}
    assert tax_sale(rates, Destination("US", "OR"), us, NOON, **DESTINATION).rates == {"standard": 0, "food": 0}
    assert tax_sale(rates, us, us, NOON, **DESTINATION).rates == {"standard": 0, "food": 0}


def test_a_business_of_another_member_state_owes_the_tax_itself() -> None:
    sale = tax_sale(EU, Destination("DE"), SPAIN, NOON, **DESTINATION, is_reverse_charged=True)

    assert (set(sale.rates.values()), sale.note, sale.contained) == ({0}, TaxNote.REVERSE_CHARGE, rates_at(EU, SPAIN, NOON))


@pytest.mark.parametrize("place", [SPAIN, Destination("CH"), Destination("ES", postcode="35001")])
def test_no_charge_is_reversed_at_home_or_outside(place: Destination) -> None:
    sale = tax_sale(EU, place, SPAIN, NOON, **DESTINATION, is_reverse_charged=True)

    assert sale.note is not TaxNote.REVERSE_CHARGE
    assert not may_reverse_charge(place, SPAIN, "DE")


def test_a_vat_number_of_the_shops_own_country_reverses_nothing() -> None:
    assert may_reverse_charge(Destination("DE"), SPAIN, "DE")
    assert may_reverse_charge(Destination("DE"), SPAIN, "FR")
    assert may_reverse_charge(Destination("GB", postcode="BT1 1AA"), SPAIN, "XI")
    assert not may_reverse_charge(Destination("DE"), SPAIN, "ES")
    assert not may_reverse_charge(Destination("DE"), Destination("GR"), "EL")


def test_percentages_become_parts_per_million_exactly_or_are_refused() -> None:
    assert [parts_per_million(text) for text in ("0", "4.2", "5.5", "6.875", "25.5")] == [0, 42_000, 55_000, 68_750, 255_000]
    with pytest.raises(ValueError, match="finer"):
        parts_per_million("6.87512")


def test_the_table_of_the_states_holds_all_of_them_exactly() -> None:
    states = {rate.region: rate.rate_ppm for rate in us_rates()}

    assert (len(states), states["CA"], states["OR"]) == (52, 72_500, 0)
    assert [states[name] for name in ("MN", "MO", "NJ", "NM")] == [68_750, 42_250, 66_250, 48_750]
    assert [rate.rate_ppm for rate in rates_of("US", "CA")] == [72_500]


def test_a_tax_finer_than_a_basis_point_is_asked_to_the_cent() -> None:
    quote = make_quote([make_item(1_999_99)], currency="USD", prices_include_tax=False, tax_rates={"standard": 68_750}, delivery=None)

    assert quote.tax_minor == 13_750  # 1,999.99 × 0.06875 = 137.4993; by 6.88 % it were 137.60


def test_a_new_shop_outside_the_union_begins_with_a_rate_to_fill_in() -> None:
    assert [(rate.country, rate.rate_ppm) for rate in first_rates("US")] == [("US", 0)]


places = st.builds(
    Destination,
    st.sampled_from([*EU_COUNTRIES, "GB", "MC", "CH", "US", "RE"]),
    st.sampled_from(["", "CA", "Las Palmas"]),
    st.sampled_from(["", "35001", "28001", "BT1 1AA", "78266", "9000-001", "22100"]),
)
moments = st.integers(-2_800, 1_400).map(lambda days: NOON + timedelta(days=days))


@given(places, st.sampled_from(EU_COUNTRIES), moments, st.tuples(st.sampled_from(EuSales), st.booleans()), st.randoms())
def test_any_sale_is_taxed_one_way_whatever_the_order_of_rows(
    place: Destination, home: str, at: datetime, chosen: tuple[EuSales, bool], random: Random
) -> None:
    shuffled = list(EU)
    random.shuffle(shuffled)

    how = dict(zip(("eu_sales", "is_reverse_charged"), chosen, strict=True))
    sale = tax_sale(shuffled, place, Destination(home), at, **how)

    assert sale == tax_sale(EU, place, Destination(home), at, **how)
    assert "standard" in sale.rates
    assert all(0 <= rate <= 270_000 for rate in sale.rates.values())
    assert (sale.contained is None) == (sale.note is TaxNote.NONE)
    if sale.note is not TaxNote.NONE:
        assert set(sale.rates.values()) == {0}


def test_a_sale_that_is_taxed_at_home_is_the_home_countrys() -> None:
    taxation = tax_sale(EU, Destination("FR"), SPAIN, NOON, eu_sales=EuSales.HOME)

    assert (taxation.country, taxation.rates["standard"], taxation.note) == ("ES", 210_000, TaxNote.NONE)


def test_the_words_for_settings_and_papers_stay_what_they_are() -> None:
    assert [*EuSales, *TaxNote] == ["destination", "home", "", "export", "reverse_charge"]


def test_where_only_other_classes_have_a_rate_the_standard_one_is_nothing() -> None:
    books = [Rate("ES", "books", NOON, 40000)]

    assert rates_at(books, SPAIN, NOON) == {"standard": 0, "books": 40000}


def test_a_home_without_any_rate_taxes_nothing() -> None:
    assert tax_sale([], SPAIN, SPAIN, NOON, **DESTINATION).rates == {"standard": 0}


def test_a_sale_taxed_abroad_says_in_which_country() -> None:
    swiss = Rate("CH", "standard", NOON, 81000)

    assert tax_sale([*EU, swiss], Destination("CH"), SPAIN, NOON, **DESTINATION).country == "CH"


def test_a_sale_taxed_at_home_says_so() -> None:
    assert tax_sale(EU, SPAIN, SPAIN, NOON, **DESTINATION).country == "ES"
