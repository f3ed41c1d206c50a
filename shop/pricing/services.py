"""Setting up what prices depend on: the tax rates and deliveries that a new shop begins with."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

from flask import current_app
from sqlalchemy import insert, select

from shop.db import transaction
from shop.money import decimals
from shop.pricing.models import ShippingKind, ShippingMethod, ShippingMethodText, TaxRate
from shop.pricing.rates import EU_COUNTRIES, default_rates
from shop.settings.services import touch_topic

FROM_THE_BEGINNING = datetime(2000, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class _Method:
    """A delivery to begin with; prices in hundredths, scaled to the shop's currency."""

    code: str
    kind: ShippingKind
    price: int
    free_from: int | None
    texts: dict[str, tuple[str, str]]


METHODS = (
    _Method(
        "standard",
        ShippingKind.DELIVERY,
        490,
        6000,
        {"en": ("Parcel", "Sent within two working days."), "es": ("Paquete", "Sale en dos días laborables.")},
    ),
    _Method(
        "europe",
        ShippingKind.DELIVERY,
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
        0,
        None,
        {
            "en": ("At the counter", "Collect it yourself; we write when it is ready."),
            "es": ("En la tienda", "Recogida en persona; escribimos cuando esté listo."),
        },
    ),
)


def set_up_pricing(*, at: datetime) -> None:  # noqa: ARG001 - rates hold from the beginning, whenever they are written
    """Write tax rates of the shop's country and ways to deliver where there are none yet. Repeating it changes nothing.

    What staff changed or archived stays as it is: a class that has a rate, and a method whose code exists, are left alone. The
    rates hold from the beginning, so that orders of older dates find them.
    """
    with transaction():
        is_new = [_set_up_rates(), _set_up_deliveries()]
        if any(is_new):
            touch_topic("pricing")


def _set_up_rates() -> bool:
    country = current_app.extensions["config"].country
    with transaction() as session:
        known = set(session.scalars(select(TaxRate.tax_class).where(TaxRate.country == country)))
        missing = [
            {"country": country, "tax_class": tax_class, "valid_from": FROM_THE_BEGINNING, "rate_bp": rate_bp}
            for tax_class, rate_bp in default_rates(country).items()
            if tax_class not in known
        ]
        if missing:
            session.execute(insert(TaxRate), missing)
        return bool(missing)


def _set_up_deliveries() -> bool:
    config = current_app.extensions["config"]
    with transaction() as session:
        known = set(session.scalars(select(ShippingMethod.code)))
        is_new = False
        for position, wanted in enumerate(METHODS):
            countries = _countries(wanted.code, config.country)
            if wanted.code in known or countries is None:
                continue
            method = ShippingMethod(
                code=wanted.code,
                kind=wanted.kind,
                countries=countries,
                currency=config.currency,
                price_minor=_scaled(wanted.price, config.currency),
                free_from_minor=None if wanted.free_from is None else _scaled(wanted.free_from, config.currency),
                position=position,
            )
            session.add(method)
            session.flush()
            session.add_all(
                ShippingMethodText(method_id=method.id, locale=locale, name=name, note=note)
                for locale, (name, note) in wanted.texts.items()
            )
            is_new = True
        return is_new


def _countries(code: str, home: str) -> str | None:
    """Where a method delivers to, "" for everywhere; None when a shop in ``home`` does not need it."""
    if code == "standard":
        return home
    if code == "europe":
        return " ".join(country for country in EU_COUNTRIES if country != home) if home in EU_COUNTRIES else None
    return ""


def _scaled(hundredths: int, currency: str) -> int:
    """€4.90 is 490 minor units, 4.900 KWD is 4900; in a currency without decimals the same figure (¥490) is the likely price."""
    scale: int = 10 ** max(decimals(currency) - 2, 0)
    return hundredths * scale
