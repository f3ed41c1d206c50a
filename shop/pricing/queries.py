"""The rules by which prices are made: rates, deliveries, and whether prices contain the tax. Few and seldom changed, so they are kept in memory.

Whoever changes these tables calls ``touch_topic("pricing")``; the setting is of the topic ``settings`` (``save_settings`` says so itself).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from flask import current_app
from sqlalchemy import Row, select

from shop.db import rows
from shop.pricing.models import ShippingMethod, ShippingMethodText, TaxRate
from shop.pricing.quote import Delivery
from shop.settings.models import Setting
from shop.settings.queries import kept

PRICES_INCLUDE_TAX = "prices_include_tax"

RATES = select(TaxRate.country, TaxRate.tax_class, TaxRate.valid_from, TaxRate.rate_bp).order_by(TaxRate.valid_from, TaxRate.id)
METHODS = (
    select(
        ShippingMethod.code,
        ShippingMethod.kind,
        ShippingMethod.countries,
        ShippingMethod.currency,
        ShippingMethod.price_minor,
        ShippingMethod.free_from_minor,
        ShippingMethod.tax_class,
        ShippingMethodText.locale,
        ShippingMethodText.name,
        ShippingMethodText.note,
    )
    .outerjoin(ShippingMethodText, ShippingMethodText.method_id == ShippingMethod.id)
    .where(ShippingMethod.archived_at.is_(None))
    .order_by(ShippingMethod.position, ShippingMethod.id, ShippingMethodText.locale)
)
INCLUDES = select(Setting.value).where(Setting.name == PRICES_INCLUDE_TAX, Setting.locale == "")


@dataclass(frozen=True, slots=True)
class Rules:
    """What ``make_quote`` needs besides the items."""

    prices_include_tax: bool
    tax_rates: dict[str, int]
    deliveries: list[Delivery]


def get_rules(country: str, *, currency: str, locale: str, at: datetime) -> Rules:
    """All rules for an address in ``country``. From memory outside transactions; a verb may read them before its transaction begins."""
    return Rules(prices_include_tax(), tax_rates(country, at=at), list_deliveries(country, currency=currency, locale=locale))


def prices_include_tax() -> bool:
    """Are the shop's prices gross? True unless the setting ``prices_include_tax`` is ``0``."""
    return kept("settings", PRICES_INCLUDE_TAX, _read_includes)


def _read_includes() -> bool:
    found = rows(INCLUDES)
    return not found or found[0].value != "0"


def tax_rates(country: str, *, at: datetime) -> dict[str, int]:
    """Tax class → basis points in ``country`` at that moment. Without any rate there those of the shop's own country count; "standard" is always in it."""
    by_country = kept("pricing", "rates", _read_rates)
    home = current_app.extensions["config"].country
    for place in (country, home):
        found = {tax_class: rate_bp for tax_class, valid_from, rate_bp in by_country.get(place, ()) if valid_from <= at}
        if found:
            return {"standard": 0, **found}
    return {"standard": 0}


def _read_rates() -> dict[str, list[tuple[str, datetime, int]]]:
    """By country, oldest first: of several rates of a class the newest valid one comes last and wins."""
    by_country: dict[str, list[tuple[str, datetime, int]]] = {}
    for rate in rows(RATES):
        by_country.setdefault(rate.country, []).append((rate.tax_class, rate.valid_from, rate.rate_bp))
    return by_country


def list_deliveries(country: str, *, currency: str, locale: str) -> list[Delivery]:
    """The ways to deliver to ``country`` in ``currency``, in the order that staff gave them. Pickup is offered to everybody."""
    return kept("pricing", ("deliveries", country, currency, locale), lambda: _read_deliveries(country, currency, locale))


def _read_deliveries(country: str, currency: str, locale: str) -> list[Delivery]:
    by_code: dict[str, list[Row[Any]]] = {}
    for method in rows(METHODS):
        if method.currency == currency and (not method.countries or country in method.countries.split()):
            by_code.setdefault(method.code, []).append(method)
    return [_delivery(found, locale) for found in by_code.values()]


def _delivery(texts: Sequence[Row[Any]], locale: str) -> Delivery:
    """One method out of its rows per language; the wanted language, else the shop's first, else any."""
    wished = (locale, current_app.extensions["config"].locales[0])
    best = min(texts, key=lambda text: wished.index(text.locale) if text.locale in wished else len(wished))
    return Delivery(
        best.code, best.name or best.code, str(best.kind), best.price_minor, best.free_from_minor, best.tax_class, best.note or ""
    )
