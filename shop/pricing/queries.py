"""The rules by which prices are made: rates, deliveries, and whether prices contain the tax. Few and seldom changed, so they are kept in memory.

Whoever changes these tables calls ``touch_topic("pricing")``; the setting is of the topic ``settings`` (``save_settings`` says so itself).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from flask import current_app
from sqlalchemy import bindparam, select

from shop.customer.addresses import all_countries
from shop.db import rows
from shop.pricing.delivery import Area, Delivery, Step, Zone, ways_to
from shop.pricing.models import (
    DeliveryArea,
    DeliveryZone,
    ShippingKind,
    ShippingMethod,
    ShippingMethodText,
    ShippingRate,
    ShippingStep,
    TaxRate,
)
from shop.pricing.places import Destination
from shop.pricing.rounding import Rounding
from shop.pricing.tax import EuSales, Rate, Taxation, tax_sale
from shop.settings.queries import kept, setting

PRICES_INCLUDE_TAX = "prices_include_tax"

EU_SALES = "eu_sales"
TAX_ROUNDING = "tax_rounding"

RATES = select(TaxRate.country, TaxRate.tax_class, TaxRate.valid_from, TaxRate.rate_ppm, TaxRate.region, TaxRate.postcode).order_by(
    TaxRate.valid_from, TaxRate.id
)
ZONES = (
    select(
        DeliveryZone.code,
        DeliveryZone.name,
        DeliveryArea.country,
        DeliveryArea.region,
        DeliveryArea.postcode_from,
        DeliveryArea.postcode_to,
    )
    .outerjoin(DeliveryArea, DeliveryArea.zone_id == DeliveryZone.id)
    .order_by(DeliveryZone.position, DeliveryZone.id, DeliveryArea.id)
)
METHODS = (
    select(
        ShippingMethod.code,
        ShippingMethod.kind,
        ShippingMethod.tax_class,
        DeliveryZone.code.label("zone"),
        ShippingRate.id.label("rate_id"),
        ShippingRate.currency,
        ShippingRate.price_minor,
        ShippingRate.free_from_minor,
        ShippingRate.measure,
        ShippingRate.most,
    )
    .join(ShippingRate, ShippingRate.method_id == ShippingMethod.id)
    .outerjoin(DeliveryZone, DeliveryZone.id == ShippingRate.zone_id)
    .where(ShippingMethod.archived_at.is_(None))
    .order_by(ShippingMethod.position, ShippingMethod.id, ShippingRate.id)
)
STEPS = select(ShippingStep.rate_id, ShippingStep.from_value, ShippingStep.price_minor).order_by(ShippingStep.from_value)
TEXTS = select(ShippingMethod.code, ShippingMethodText.locale, ShippingMethodText.name, ShippingMethodText.note).join(
    ShippingMethodText, ShippingMethodText.method_id == ShippingMethod.id
)
REACHED = (
    select(DeliveryArea.country)
    .select_from(ShippingRate)
    .join(ShippingMethod, ShippingMethod.id == ShippingRate.method_id)
    .outerjoin(DeliveryArea, DeliveryArea.zone_id == ShippingRate.zone_id)
    .where(
        ShippingMethod.archived_at.is_(None),
        ShippingMethod.kind == ShippingKind.DELIVERY,
        ShippingRate.currency == bindparam("currency"),
    )
    .distinct()
)


@dataclass(frozen=True, slots=True)
class Rules:
    """What ``make_quote`` needs besides the items.

    ``contained_rates`` are set where no tax is asked though the prices contain one (an export, a reverse charge): it is taken off.
    ``tax_note`` says why, ``export`` or ``reverse_charge``; else "".
    """

    prices_include_tax: bool
    tax_rates: dict[str, int]
    deliveries: list[Delivery]
    contained_rates: dict[str, int] | None = None
    tax_note: str = ""
    rounding: Rounding = Rounding.LINE


def get_rules(place: str | Destination, *, currency: str, locale: str, at: datetime, is_reverse_charged: bool = False) -> Rules:
    """All rules for a place, or for a country of which no more is known. From memory outside transactions; a verb may read them before it begins one.

    ``is_reverse_charged``: the buyer is a business that may owe the tax itself (``shop.pricing.tax.may_reverse_charge``).
    """
    place = Destination.of(place)
    taxation = find_taxation(place, at=at, is_reverse_charged=is_reverse_charged)
    deliveries = list_deliveries(place, currency=currency, locale=locale)
    return Rules(prices_include_tax(), taxation.rates, deliveries, taxation.contained, taxation.note.value, tax_rounding())


def prices_include_tax() -> bool:
    """Are the shop's prices gross? True unless the setting ``prices_include_tax`` is ``0``."""
    return setting(PRICES_INCLUDE_TAX) == "1"


def eu_sales() -> EuSales:
    """Where sales to consumers in other member states are taxed; at the destination unless the setting ``eu_sales`` is ``home``."""
    return EuSales(setting(EU_SALES))


def tax_rounding() -> Rounding:
    """Where tax is rounded; by line unless the setting ``tax_rounding`` is ``order``."""
    return Rounding(setting(TAX_ROUNDING))


def home() -> Destination:
    """Where the shop is."""
    return Destination(current_app.extensions["config"].country)


def find_taxation(place: Destination, *, at: datetime, is_reverse_charged: bool = False) -> Taxation:
    """How a sale to a place is taxed at that moment."""
    return tax_sale(known_rates(), place, home(), at, eu_sales=eu_sales(), is_reverse_charged=is_reverse_charged)


def tax_rates(place: str | Destination, *, at: datetime) -> dict[str, int]:
    """Tax class → parts per million that are asked for a sale to a place at that moment; "standard" is always in it."""
    return find_taxation(Destination.of(place), at=at).rates


def known_rates() -> tuple[Rate, ...]:
    """All rates of the shop's table, oldest first."""
    return kept("pricing", "rates", lambda: tuple(Rate(**rate._asdict()) for rate in rows(RATES)))


def list_deliveries(place: str | Destination, *, currency: str, locale: str) -> list[Delivery]:
    """The ways to deliver to a place in ``currency``, in the order that staff gave them. Pickup is offered to everybody."""
    return ways_to(list_offers(currency, locale), list_zones(), Destination.of(place))


def reachable_countries() -> frozenset[str]:
    """Countries that some way of delivery reaches; the shop's own, where nothing but the counter is offered."""
    return kept("pricing", "reachable_countries", _read_reachable)


def _read_reachable() -> frozenset[str]:
    config = current_app.extensions["config"]
    reached = {area.country for area in rows(REACHED, currency=config.currency)}
    if None in reached:  # a zone without areas is the rest of the world
        return frozenset(all_countries())
    return frozenset(reached or {config.country})


def list_zones() -> tuple[Zone, ...]:
    """All delivery zones with their areas."""
    return kept("pricing", "zones", _read_zones)


def _read_zones() -> tuple[Zone, ...]:
    areas: dict[tuple[str, str], list[Area]] = {}
    for row in rows(ZONES):
        found = areas.setdefault((row.code, row.name), [])
        if row.country is not None:
            found.append(Area(row.country, row.region, row.postcode_from, row.postcode_to))
    return tuple(Zone(code, name, tuple(found)) for (code, name), found in areas.items())


def list_offers(currency: str, locale: str) -> tuple[tuple[str | None, Delivery], ...]:
    """Every way to deliver with the zone that its price is for; None is any."""
    return kept("pricing", ("offers", currency, locale), lambda: tuple(_read_offers(currency, locale)))


def _read_offers(currency: str, locale: str) -> Iterator[tuple[str | None, Delivery]]:
    texts, steps = _read_texts(locale), _read_steps()
    for method in rows(METHODS):
        if method.currency == currency:
            name, note = texts.get(method.code, (method.code, ""))
            yield (
                method.zone,
                Delivery(
                    method.code,
                    name,
                    method.kind.value,
                    method.price_minor,
                    method.free_from_minor,
                    method.tax_class,
                    note,
                    method.measure.value,
                    steps.get(method.rate_id, ()),
                    method.most,
                ),
            )


def _read_steps() -> dict[int, tuple[Step, ...]]:
    steps: dict[int, tuple[Step, ...]] = {}
    for row in rows(STEPS):
        steps[row.rate_id] = (*steps.get(row.rate_id, ()), Step(row.from_value, row.price_minor))
    return steps


def _read_texts(locale: str) -> dict[str, tuple[str, str]]:
    """Name and note of each method in the wanted language, else the shop's first, else any."""
    wished = (locale, current_app.extensions["config"].locales[0])
    best = sorted(rows(TEXTS), key=lambda text: wished.index(text.locale) if text.locale in wished else len(wished), reverse=True)
    return {text.code: (text.name or text.code, text.note or "") for text in best}
