"""Which tax is asked where: pure rules over rates, a destination and a moment. No database, no request, no clock.

A place with rates of its own uses no others: of the rows that fit it the most specific place counts as a whole (postcodes before a region before the
country), and of each class there the newest that has begun. A class without a rate is taxed at the standard one (``shop.pricing.quote``).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from shop.pricing.places import Destination, plain_postcode

STANDARD = "standard"


class EuSales(StrEnum):
    """Where sales from one member state to consumers in another are taxed.

    Source: Directive 2006/112/EC, articles 33 and 59c: where the goods arrive (declared through the one-stop shop); at home as long as all such
    sales of this and the last calendar year stay within 10 000 EUR and the seller has not chosen otherwise.
    """

    DESTINATION = "destination"
    HOME = "home"


class TaxNote(StrEnum):
    """Why no tax is asked, for the order and its papers."""

    NONE = ""
    EXPORT = "export"
    REVERSE_CHARGE = "reverse_charge"


@dataclass(frozen=True, slots=True)
class Rate:
    """What a tax class costs in a place from a moment on, in parts per million. ``region`` and ``postcode`` (a beginning) are "" for the whole country."""

    country: str
    tax_class: str
    valid_from: datetime
    rate_ppm: int
    region: str = ""
    postcode: str = ""

    @property
    def place(self) -> tuple[str, str, str]:
        return self.country, self.region, self.postcode

    def fits(self, place: Destination) -> bool:
        """Does it hold there? A part holds nobody whose region or postcode is unknown; what the area of VAT leaves out has only rates of its own."""
        if self.country != place.tax_country or (self.region and self.region.casefold() != place.region.casefold()):
            return False
        if place.is_special and not place.is_in_vat_area and not self.region and not self.postcode:
            return False
        return place.plain_postcode.startswith(plain_postcode(self.postcode))

    @property
    def narrowness(self) -> tuple[int, bool]:
        return len(plain_postcode(self.postcode)), bool(self.region)


@dataclass(frozen=True, slots=True)
class Taxation:
    """How a sale is taxed. ``contained`` are the rates to take off the prices, where they contain a tax that is not asked."""

    rates: dict[str, int]
    contained: dict[str, int] | None = None
    note: TaxNote = TaxNote.NONE
    country: str = ""


def rates_at(rates: Iterable[Rate], place: Destination, at: datetime) -> dict[str, int]:
    """Tax class → parts per million in a place at a moment; empty where nothing is known of it. A rate counts from its first moment on, included."""
    valid = [rate for rate in rates if rate.valid_from <= at and rate.fits(place)]
    if not valid:
        return {}
    narrowest = max(rate.narrowness for rate in valid)
    here = sorted((rate for rate in valid if rate.narrowness == narrowest), key=lambda rate: rate.valid_from)
    return {STANDARD: 0, **{rate.tax_class: rate.rate_ppm for rate in here}}


def tax_sale(
    rates: Iterable[Rate], place: Destination, home: Destination, at: datetime, *, eu_sales: EuSales, is_reverse_charged: bool = False
) -> Taxation:
    """How goods from ``home`` to ``place`` are taxed.

    Within the own area: the rates there. From one member state to another: by ``eu_sales``; none, if the buyer owes the tax
    (``is_reverse_charged``; ``may_reverse_charge`` says when). Across a border of the area: the rates of the place where the
    shop has some (it is registered there), else none: an export.

    Source: Directive 2006/112/EC, articles 33, 59c, 138 (supplies to businesses), 146 (exports).
    """
    known = list(rates)
    own, there = rates_at(known, home, at) or {STANDARD: 0}, rates_at(known, place, at)
    if place.tax_country == home.tax_country and place.is_special == home.is_special:
        return Taxation(there or own, country=home.tax_country)
    if place.is_in_vat_area and home.is_in_vat_area:
        if is_reverse_charged:
            return Taxation(_nothing(own), own, TaxNote.REVERSE_CHARGE, place.tax_country)
        if there and eu_sales is EuSales.DESTINATION:
            return Taxation(there, country=place.tax_country)
        return Taxation(own, country=home.tax_country)
    if there:
        return Taxation(there, country=place.tax_country)
    return Taxation(_nothing(own), own, TaxNote.EXPORT, place.tax_country)


def may_reverse_charge(place: Destination, home: Destination, vat_country: str) -> bool:
    """May a business with a number of ``vat_country`` (as in numbers: EL, XI) owe the tax itself?

    The goods go from one member state to another, and the number is of any state but the one they leave.
    Source: Directive 2006/112/EC, article 138 (1), as amended by Directive (EU) 2018/1910.
    """
    crosses = place.is_in_vat_area and home.is_in_vat_area and place.tax_country != home.tax_country
    return crosses and vat_country != ("EL" if home.tax_country == "GR" else home.tax_country)


def _nothing(rates: dict[str, int]) -> dict[str, int]:
    return dict.fromkeys(rates, 0)
