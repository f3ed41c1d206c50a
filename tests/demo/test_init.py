"""`flask shop init`: what a new shop needs to sell."""

from __future__ import annotations

from flask import Flask
from sqlalchemy import select, update

from shop.db import rows, transaction
from shop.pricing.models import ShippingMethod, ShippingRate, TaxRate
from shop.settings.models import Setting, Version
from tests.demo.dumps import dump


def run(app: Flask) -> str:
    return app.test_cli_runner().invoke(args=["shop", "init"], catch_exceptions=False).output


def test_a_new_shop_can_tax_and_deliver_and_has_a_name(context: Flask) -> None:
    run(context)

    rates = {rate.tax_class: rate.rate_ppm for rate in rows(select(TaxRate.tax_class, TaxRate.rate_ppm).where(TaxRate.country == "ES"))}
    assert rates == {"standard": 210000, "reduced": 100000, "food": 100000, "books": 40000}
    found = select(ShippingMethod.code, ShippingRate.price_minor, ShippingRate.free_from_minor)
    methods = {code: amounts for code, *amounts in rows(found.join(ShippingRate, ShippingRate.method_id == ShippingMethod.id))}
    assert methods == {"standard": [490, 6000], "europe": [990, 12000], "pickup": [0, None]}
    assert rows(select(Setting.value).where(Setting.name == "shop.name")) == [("Bodega",)]


def test_setting_up_again_changes_nothing_not_even_what_staff_changed(context: Flask) -> None:
    with transaction() as session:
        session.execute(update(Setting).where(Setting.name == "shop.name").values(value="La Nevera"))
    before = dump()

    assert run(context) == "The shop is set up.\n"

    assert dump() == before
    assert rows(select(Version.topic)) != []
