from __future__ import annotations

from datetime import timedelta

from flask import Flask
from sqlalchemy import delete, insert, update

from shop.db import transaction
from shop.pricing.models import ShippingMethod, TaxRate
from shop.pricing.queries import get_rules, list_deliveries, prices_include_tax, tax_rates
from shop.pricing.tax import EuSales
from shop.pricing.taxes import set_tax_rules
from shop.settings.services import save_settings, touch_topic
from tests.factories import NOON


def add_rate(country: str, tax_class: str, rate_ppm: int, *, days: int = -10) -> None:
    with transaction() as session:
        since = NOON + timedelta(days=days)
        values = {"country": country, "tax_class": tax_class, "valid_from": since, "rate_ppm": rate_ppm, "written_at": NOON}
        session.execute(insert(TaxRate).values(**values))
        touch_topic("pricing")


def test_prices_include_tax_unless_the_shop_says_otherwise(context: Flask) -> None:
    assert prices_include_tax()

    save_settings({("prices_include_tax", ""): "0"})

    assert not prices_include_tax()


def test_the_shops_country_has_its_rates(context: Flask) -> None:
    assert tax_rates("ES", at=NOON) == {"standard": 210000, "reduced": 100000, "food": 100000, "books": 40000}


def test_what_leaves_the_union_is_exported_without_tax(context: Flask) -> None:
    rules = get_rules("JP", currency="EUR", locale="en", at=NOON)

    assert set(rules.tax_rates.values()) == {0}
    assert (rules.tax_note, rules.contained_rates) == ("export", tax_rates("ES", at=NOON))


def test_another_member_state_is_taxed_at_the_destination_or_at_home_by_one_setting(context: Flask) -> None:
    assert tax_rates("FR", at=NOON)["standard"] == 200000

    set_tax_rules(prices_include_tax=True, eu_sales=EuSales.HOME, at=NOON)

    assert tax_rates("FR", at=NOON)["standard"] == 210000


def test_without_any_rate_the_standard_one_is_zero(context: Flask) -> None:
    with transaction() as session:
        session.execute(delete(TaxRate))
        touch_topic("pricing")

    assert tax_rates("ES", at=NOON) == {"standard": 0}


def test_a_rate_counts_from_its_day_on(context: Flask) -> None:
    add_rate("ES", "standard", 220000, days=1)

    assert tax_rates("ES", at=NOON)["standard"] == 210000
    assert tax_rates("ES", at=NOON + timedelta(days=1))["standard"] == 220000
    assert tax_rates("ES", at=NOON + timedelta(days=1))["food"] == 100000


def test_deliveries_are_those_of_the_country_and_currency(context: Flask) -> None:
    def codes(country: str, currency: str = "EUR") -> list[str]:
        return [delivery.code for delivery in list_deliveries(country, currency=currency, locale="en")]

    assert codes("ES") == ["standard", "pickup"]
    assert codes("FR") == ["europe", "pickup"]
    assert codes("US") == ["pickup"]
    assert codes("ES", "USD") == []


def test_deliveries_speak_the_language_and_fall_back(context: Flask) -> None:
    def name(locale: str) -> str:
        return list_deliveries("ES", currency="EUR", locale=locale)[0].name

    assert (name("en"), name("es"), name("fr")) == ("Parcel", "Paquete", "Parcel")


def test_an_archived_delivery_is_no_longer_offered(context: Flask) -> None:
    list_deliveries("ES", currency="EUR", locale="en")

    with transaction() as session:
        session.execute(update(ShippingMethod).where(ShippingMethod.code == "pickup").values(archived_at=NOON))
        touch_topic("pricing")

    assert [delivery.code for delivery in list_deliveries("ES", currency="EUR", locale="en")] == ["standard"]


def test_all_rules_come_together(context: Flask) -> None:
    rules = get_rules("ES", currency="EUR", locale="es", at=NOON)

    assert (rules.prices_include_tax, rules.tax_rates["books"], rules.deliveries[0].price_minor) == (True, 40_000, 490)
