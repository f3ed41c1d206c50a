"""Setting up what prices depend on: the tax rates and deliveries that a new shop begins with."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from flask import current_app
from sqlalchemy import insert, select

from shop.db import transaction
from shop.money import decimals
from shop.pricing.models import DeliveryArea, DeliveryZone, ShippingKind, ShippingMethod, ShippingMethodText, ShippingRate, TaxRate
from shop.pricing.places import EU_COUNTRIES
from shop.pricing.rates import first_rates
from shop.pricing.taxes import rate_row
from shop.settings.services import touch_topic

HOME, EU = "home", "eu"
ZONE_NAMES = {HOME: {"en": "At home", "es": "En el país"}, EU: {"en": "European Union", "es": "Unión Europea"}}


@dataclass(frozen=True, slots=True)
class _Method:
    """A delivery to begin with; prices in hundredths, scaled to the shop's currency."""

    code: str
    kind: ShippingKind
    zone: str | None
    price: int
    free_from: int | None
    texts: dict[str, tuple[str, str]]


METHODS = (
    _Method(
        "standard",
        ShippingKind.DELIVERY,
        HOME,
        490,
        6000,
        {"en": ("Parcel", "Sent within two working days."), "es": ("Paquete", "Sale en dos días laborables.")},
    ),
    _Method(
        "europe",
        ShippingKind.DELIVERY,
        EU,
        990,
        12000,
        {
            "en": ("Parcel within the EU", "Sent within two working days; three to six days on the way."),
            "es": ("Paquete dentro de la UE", "Sale en dos días laborables; de tres a seis días en camino."),
        },
    ),
    _Method(
        "pickup",
        ShippingKind.PICKUP,
        None,
        0,
        None,
        {
            "en": ("At the counter", "Collect it yourself; we write when it is ready."),
            "es": ("En la tienda", "Recogida en persona; escribimos cuando esté listo."),
        },
    ),
)


def set_up_pricing(*, at: datetime) -> None:
    """Write tax rates of the shop's country (in the European Union, of all members) and ways to deliver where there are none yet.

    Repeating it changes nothing.

    What staff changed or archived stays as it is: a class that has a rate, and a method whose code exists, are left alone. The
    rates hold from the beginning, so that orders of older dates find them.
    """
    with transaction():
        is_new = [_set_up_rates(at), _set_up_deliveries()]
        if any(is_new):
            touch_topic("pricing")


def _set_up_rates(at: datetime) -> bool:
    """What the tables say for a new shop; a place and class that has a rate is left alone."""
    country = current_app.extensions["config"].country
    with transaction() as session:
        known = {tuple(found) for found in session.execute(select(TaxRate.country, TaxRate.region, TaxRate.postcode, TaxRate.tax_class))}
        missing = [rate_row(rate, at, "shop") for rate in first_rates(country) if rate[:4] not in known]
        if missing:
            session.execute(insert(TaxRate), missing)
        return bool(missing)


def _set_up_deliveries() -> bool:
    config = current_app.extensions["config"]
    with transaction() as session:
        known = set(session.scalars(select(ShippingMethod.code)))
        is_new = False
        for position, wanted in enumerate(METHODS):
            if wanted.code in known or (wanted.zone == EU and config.country not in EU_COUNTRIES):
                continue
            method = ShippingMethod(code=wanted.code, kind=wanted.kind, position=position)
            session.add(method)
            session.flush()
            rate = ShippingRate(
                method_id=method.id,
                zone_id=_zone(wanted.zone, config.country),
                currency=config.currency,
                price_minor=_scaled(wanted.price, config.currency),
                free_from_minor=None if wanted.free_from is None else _scaled(wanted.free_from, config.currency),
            )
            texts = (
                ShippingMethodText(method_id=method.id, locale=locale, name=name, note=note)
                for locale, (name, note) in wanted.texts.items()
            )
            session.add_all([rate, *texts])
            is_new = True
        return is_new


def _zone(code: str | None, home: str) -> int | None:
    """The zone with this code, made if it is missing."""
    if code is None:
        return None
    with transaction() as session:
        found = session.scalar(select(DeliveryZone.id).where(DeliveryZone.code == code))
        if found is not None:
            return found
        names, first = ZONE_NAMES[code], current_app.extensions["config"].locales[0]
        zone = DeliveryZone(code=code, name=names.get(first, names["en"]), position=0 if code == HOME else 1)
        session.add(zone)
        session.flush()
        countries = [home] if code == HOME else [country for country in EU_COUNTRIES if country != home]
        session.add_all(DeliveryArea(zone_id=zone.id, country=country) for country in countries)
    return zone.id


def _scaled(hundredths: int, currency: str) -> int:
    """€4.90 is 490 minor units, 4.900 KWD is 4900; in a currency without decimals the same figure (¥490) is the likely price."""
    scale: int = 10 ** max(decimals(currency) - 2, 0)
    return hundredths * scale
