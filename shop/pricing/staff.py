"""Taxes and deliveries as staff sees them: what stands in the tables, and the short lines in which areas and steps are written."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any, NamedTuple

from flask import current_app
from flask_babel import gettext as _
from sqlalchemy import Row, bindparam, select

from shop.db import rows
from shop.errors import NotFound
from shop.money import Money
from shop.pricing.delivery import Area, Measure, Step, Zone
from shop.pricing.models import DeliveryZone, ShippingMethod, ShippingMethodText, ShippingRate, ShippingStep, TaxRate
from shop.pricing.queries import list_zones
from shop.pricing.rounding import WHOLE_PPM
from shop.web.text import clean_amount, clean_integer, clean_text

MOST_AREAS, MOST_STEPS, MOST_MEASURED = 1000, 50, 1_000_000_000
PERCENT = re.compile(r"(\d{1,3})(?:[.,](\d{1,4}))?")
AREA = re.compile(r"([A-Za-z]{2})(?:\s+([0-9A-Za-z][0-9A-Za-z -]*?)\s*(?:…|\.\.\.?)\s*([0-9A-Za-z][0-9A-Za-z -]*)?|\s+(\S.*))?")
RATES = select(TaxRate.__table__).order_by(
    TaxRate.country, TaxRate.region, TaxRate.postcode, TaxRate.tax_class, TaxRate.valid_from, TaxRate.id
)
ZONES = select(DeliveryZone.id, DeliveryZone.code, DeliveryZone.name, DeliveryZone.position, DeliveryZone.version)
METHODS = select(ShippingMethod.__table__).order_by(ShippingMethod.archived_at.is_not(None), ShippingMethod.position, ShippingMethod.id)
TEXTS = select(ShippingMethodText.method_id, ShippingMethodText.locale, ShippingMethodText.name, ShippingMethodText.note)
COSTS = (
    select(ShippingRate.__table__, DeliveryZone.code.label("zone"), DeliveryZone.name.label("zone_name"))
    .outerjoin(DeliveryZone, DeliveryZone.id == ShippingRate.zone_id)
    .where(ShippingRate.currency == bindparam("currency"))
    .order_by(ShippingRate.id)
)
STEPS = select(ShippingStep.rate_id, ShippingStep.from_value, ShippingStep.price_minor).order_by(ShippingStep.from_value)


class StaffRate(NamedTuple):
    """A tax rate and how it stands: ``now`` counts, ``past`` did, ``coming`` will."""

    row: Any
    state: str

    @property
    def percent(self) -> str:
        return format(Decimal(self.row.rate_ppm).scaleb(-4).normalize(), "f")


def list_rates(*, at: datetime, country: str = "") -> list[StaffRate]:
    """All rates of the shop's table, by place and class, oldest first."""
    found = [rate for rate in rows(RATES) if not country or rate.country == country]
    newest = {_key(rate): rate.id for rate in found if rate.valid_from <= at}
    return [StaffRate(rate, "coming" if rate.valid_from > at else "now" if newest[_key(rate)] == rate.id else "past") for rate in found]


def _key(rate: Row[Any]) -> tuple[str, str, str, str]:
    return rate.country, rate.region, rate.postcode, rate.tax_class


class StaffZone(NamedTuple):
    """A zone with its row."""

    row: Any
    zone: Zone


def list_staff_zones() -> list[StaffZone]:
    """All zones in their order."""
    known = {zone.code: zone for zone in list_zones()}
    found = rows(ZONES.order_by(DeliveryZone.position, DeliveryZone.id))
    return [StaffZone(zone, known.get(zone.code, Zone(zone.code, zone.name))) for zone in found]


def get_zone(code: str) -> StaffZone:
    """One zone.

    Raises:
        NotFound: there is none with this code.
    """
    found = next((zone for zone in list_staff_zones() if zone.row.code == code), None)
    if found is None:
        raise NotFound(_("There is no such zone."))
    return found


class StaffCost(NamedTuple):
    """What a method costs in a zone."""

    row: Any
    steps: tuple[Step, ...]


class StaffMethod(NamedTuple):
    """A way to deliver with its texts and prices; ``texts``: language → (name, note)."""

    row: Any
    texts: dict[str, tuple[str, str]]
    costs: list[StaffCost]

    def name_in(self, locale: str) -> str:
        """In this language, else in the shop's first, else in any, else its code."""
        first = current_app.extensions["config"].locales[0]
        return next(
            (text[0] for text in (self.texts.get(locale), self.texts.get(first), *self.texts.values()) if text and text[0]), self.row.code
        )

    @property
    def has_no_price(self) -> bool:
        """It is offered nowhere: staff should know."""
        return not self.costs and self.row.archived_at is None


def list_methods() -> list[StaffMethod]:
    """All ways to deliver, those in use first."""
    steps: dict[int, tuple[Step, ...]] = {}
    for step in rows(STEPS):
        steps[step.rate_id] = (*steps.get(step.rate_id, ()), Step(step.from_value, step.price_minor))
    texts: dict[int, dict[str, tuple[str, str]]] = {}
    for text in rows(TEXTS):
        texts.setdefault(text.method_id, {})[text.locale] = (text.name, text.note)
    costs: dict[int, list[StaffCost]] = {}
    for cost in rows(COSTS, currency=current_app.extensions["config"].currency):
        costs.setdefault(cost.method_id, []).append(StaffCost(cost, steps.get(cost.id, ())))
    return [StaffMethod(method, texts.get(method.id, {}), costs.get(method.id, [])) for method in rows(METHODS)]


def get_method(code: str) -> StaffMethod:
    """One way to deliver.

    Raises:
        NotFound: there is none with this code.
    """
    found = next((method for method in list_methods() if method.row.code == code), None)
    if found is None:
        raise NotFound(_("There is no such way to deliver."))
    return found


# Short lines


def clean_percent(text: str) -> int:
    """``21`` or ``6,875`` as parts per million."""
    match = PERCENT.fullmatch(clean_text(text, maximum=10))
    rate_ppm = int(match[1]) * 10_000 + int((match[2] or "").ljust(4, "0")) if match and match[0].isascii() else -1
    if not 0 <= rate_ppm <= WHOLE_PPM:
        raise ValueError(_("Write percent from 0 to 100 with four decimals at most, such as 5.5."))
    return rate_ppm


def read_areas(text: str) -> tuple[Area, ...]:
    """One area a line: ``ES``, ``ES 35000…35999`` or ``US CA``."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    if len(lines) > MOST_AREAS:
        raise ValueError(_("Write at most %(count)d lines.", count=MOST_AREAS))
    return tuple(dict.fromkeys(_read_area(line) for line in lines))


def _read_area(line: str) -> Area:
    match = AREA.fullmatch(line)
    if match is None or "…" in (match[4] or "") or ".." in (match[4] or ""):
        raise ValueError(_("This line is no area: %(line)s. Write ES, ES 35000…35999 or US CA.", line=line[:60]))
    country, first, last, region = match[1].upper(), match[2] or "", match[3] or "", match[4] or ""
    if first:
        return Area(country, "", clean_text(first, maximum=20), clean_text(last or first, maximum=20))
    return Area(country, clean_text(region, maximum=120))


def write_areas(areas: Iterable[Area]) -> str:
    """As ``read_areas`` reads them."""
    return "\n".join(
        f"{area.country} {area.postcode_from}…{area.postcode_to}" if area.postcode_from else f"{area.country} {area.region}".strip()
        for area in areas
    )


def read_steps(text: str, currency: str, measure: Measure) -> tuple[Step, ...]:
    """One step a line, ``2000 = 9.00``: from so many grams, pieces or (as an amount) so much on."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    if len(lines) > MOST_STEPS:
        raise ValueError(_("Write at most %(count)d lines.", count=MOST_STEPS))
    return tuple(_read_step(line, currency, measure) for line in lines)


def _read_step(line: str, currency: str, measure: Measure) -> Step:
    value, equals, price = line.partition("=")
    if not equals:
        raise ValueError(_("This line is no step: %(line)s. Write 2000 = 9.00.", line=line[:60]))
    return Step(read_measured(value, currency, measure), clean_amount(price, currency).minor)


def read_measured(text: str, currency: str, measure: Measure) -> int:
    """Grams, pieces, or an amount of money."""
    if measure is Measure.AMOUNT:
        return clean_amount(text, currency).minor
    return clean_integer(text, low=0, high=MOST_MEASURED)


def write_measured(value: int, currency: str, measure: Measure) -> str:
    return str(Money(value, currency).to_decimal()) if measure is Measure.AMOUNT else str(value)


def write_steps(steps: Sequence[Step], currency: str, measure: Measure) -> str:
    """As ``read_steps`` reads them."""
    return "\n".join(
        f"{write_measured(step.from_value, currency, measure)} = {Money(step.price_minor, currency).to_decimal()}" for step in steps
    )
