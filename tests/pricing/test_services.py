from __future__ import annotations

from dataclasses import replace

import pytest
from flask import Flask
from sqlalchemy import delete, func, select, update

from shop.db import row, rows, transaction
from shop.pricing.models import ShippingMethod, ShippingMethodText, TaxRate
from shop.pricing.services import set_up_pricing
from tests.factories import NOON


def in_a_shop_of(app: Flask, monkeypatch: pytest.MonkeyPatch, **settings: str) -> None:
    monkeypatch.setitem(app.extensions, "config", replace(app.extensions["config"], **settings))
    with transaction() as session:
        for table in (TaxRate, ShippingMethodText, ShippingMethod):
            session.execute(delete(table))
    set_up_pricing(at=NOON)


def counts() -> list[int]:
    return [row(select(func.count()).select_from(table))[0] for table in (TaxRate, ShippingMethod, ShippingMethodText)]


def test_a_second_time_changes_nothing(context: Flask) -> None:
    before = counts()

    set_up_pricing(at=NOON)

    assert counts() == before == [3, 3, 6]


def test_what_staff_changed_stays(context: Flask) -> None:
    with transaction() as session:
        session.execute(update(TaxRate).where(TaxRate.tax_class == "food").values(rate_bp=500))
        session.execute(update(ShippingMethod).where(ShippingMethod.code == "standard").values(price_minor=390, archived_at=NOON))

    set_up_pricing(at=NOON)

    assert row(select(TaxRate.rate_bp).where(TaxRate.tax_class == "food")) == (500,)
    assert row(select(ShippingMethod.price_minor, ShippingMethod.archived_at).where(ShippingMethod.code == "standard")) == (390, NOON)


def test_a_german_shop_gets_german_rates_and_sends_to_spain_too(context: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    in_a_shop_of(context, monkeypatch, country="DE")

    rates = {found.tax_class: found.rate_bp for found in rows(select(TaxRate.tax_class, TaxRate.rate_bp).where(TaxRate.country == "DE"))}
    countries = {found.code: found.countries.split() for found in rows(select(ShippingMethod.code, ShippingMethod.countries))}
    assert rates == {"standard": 1900, "food": 700, "books": 700}
    assert countries["standard"] == ["DE"]
    assert "ES" in countries["europe"]
    assert "DE" not in countries["europe"]


@pytest.mark.parametrize(("currency", "price"), [("JPY", 490), ("USD", 490), ("KWD", 4900)])
def test_a_shop_elsewhere_begins_with_a_rate_to_fill_in(context: Flask, monkeypatch: pytest.MonkeyPatch, currency: str, price: int) -> None:
    in_a_shop_of(context, monkeypatch, country="US", currency=currency)

    assert rows(select(TaxRate.country, TaxRate.rate_bp)) == [("US", 0)]
    methods = rows(select(ShippingMethod.code, ShippingMethod.price_minor, ShippingMethod.currency).order_by(ShippingMethod.position))
    assert methods == [("standard", price, currency), ("pickup", 0, currency)]
