from __future__ import annotations

from dataclasses import replace

import pytest
from flask import Flask
from sqlalchemy import delete, func, select, update

from shop.db import row, rows, transaction
from shop.pricing.models import DeliveryZone, ShippingMethod, ShippingMethodText, ShippingRate, TaxRate
from shop.pricing.queries import list_zones, tax_rates
from shop.pricing.rates import eu_rates
from shop.pricing.services import set_up_pricing
from shop.settings.services import touch_topic
from tests.factories import NOON


def in_a_shop_of(app: Flask, monkeypatch: pytest.MonkeyPatch, **settings: str) -> None:
    monkeypatch.setitem(app.extensions, "config", replace(app.extensions["config"], **settings))
    with transaction() as session:
        for table in (TaxRate, ShippingMethodText, ShippingRate, ShippingMethod, DeliveryZone):
            session.execute(delete(table))
    set_up_pricing(at=NOON)


def counts() -> list[int]:
    return [row(select(func.count()).select_from(table))[0] for table in (TaxRate, ShippingMethod, ShippingMethodText)]


def test_a_second_time_changes_nothing(context: Flask) -> None:
    before = counts()

    set_up_pricing(at=NOON)

    assert counts() == before == [len(eu_rates()), 3, 6]


def test_what_staff_changed_stays(context: Flask) -> None:
    with transaction() as session:
        session.execute(update(TaxRate).where(TaxRate.country == "ES", TaxRate.tax_class == "food").values(rate_ppm=50000))
        session.execute(update(ShippingMethod).where(ShippingMethod.code == "standard").values(archived_at=NOON))
        session.execute(update(ShippingRate).where(ShippingRate.price_minor == 490).values(price_minor=390))

    set_up_pricing(at=NOON)

    assert row(select(TaxRate.rate_ppm).where(TaxRate.country == "ES", TaxRate.tax_class == "food")) == (50_000,)
    standard = select(ShippingRate.price_minor, ShippingMethod.archived_at).join(
        ShippingMethod, ShippingMethod.id == ShippingRate.method_id
    )
    assert row(standard.where(ShippingMethod.code == "standard")) == (390, NOON)


def test_a_german_shop_gets_german_rates_and_sends_to_spain_too(context: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    in_a_shop_of(context, monkeypatch, country="DE")

    touch_topic("pricing")
    rates = tax_rates("DE", at=NOON)
    areas = {zone.code: [area.country for area in zone.areas] for zone in list_zones()}
    assert rates == {"standard": 190000, "reduced": 70000, "food": 70000, "books": 70000}
    assert areas["home"] == ["DE"]
    assert "ES" in areas["eu"]
    assert "DE" not in areas["eu"]


@pytest.mark.parametrize(("currency", "price"), [("JPY", 490), ("USD", 490), ("KWD", 4900)])
def test_a_shop_elsewhere_begins_with_a_rate_to_fill_in(context: Flask, monkeypatch: pytest.MonkeyPatch, currency: str, price: int) -> None:
    in_a_shop_of(context, monkeypatch, country="US", currency=currency)

    assert rows(select(TaxRate.country, TaxRate.rate_ppm)) == [("US", 0)]
    costs = select(ShippingMethod.code, ShippingRate.price_minor, ShippingRate.currency)
    methods = rows(costs.join(ShippingRate, ShippingRate.method_id == ShippingMethod.id).order_by(ShippingMethod.position))
    assert methods == [("standard", price, currency), ("pickup", 0, currency)]
