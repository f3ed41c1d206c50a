"""The forms of taxes and deliveries."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import date
from typing import Any

import wtforms
from flask import current_app
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

from shop.customer.addresses import all_countries, list_countries
from shop.money import Money
from shop.pricing.deliveries import MethodDraft, RateDraft
from shop.pricing.delivery import GOODS, Area, Measure, Zone
from shop.pricing.models import ShippingKind
from shop.pricing.rates import TableRate, eu_rates, us_rates
from shop.pricing.staff import (
    StaffMethod,
    StaffZone,
    clean_percent,
    read_areas,
    read_measured,
    read_steps,
    write_areas,
    write_measured,
    write_steps,
)
from shop.pricing.tax import EuSales
from shop.pricing.taxes import places_of
from shop.web.context import language_name
from shop.web.fields import ChoiceField, InputRequired, IntegerField, MoneyField, ShopForm, TextField, TickField

CODE = r"[a-z0-9][a-z0-9_-]{0,39}"
ANYWHERE = "0"
MOST_PLACE, MOST_VERSION = 1_000_000, 10**15


def needed() -> InputRequired:
    """Something must be written, also where nothing at all was sent."""
    return InputRequired(_l("Please fill this in."))


class ReadField(TextField):
    """A text that ``read`` turns into what it means."""

    def __init__(self, label: Any = None, *, read: Callable[[str], Any], is_needed: bool = True, **kwargs: Any) -> None:
        super().__init__(label, [needed()] if is_needed else [], **kwargs)
        self.read = read

    def clean(self, text: str) -> Any:
        return self.read(super().clean(text))

    def process_formdata(self, valuelist: list[str]) -> None:
        super().process_formdata(valuelist or [""])


def read_code(text: str) -> str:
    """A short name for programs."""
    import re

    if not re.fullmatch(CODE, text):
        raise ValueError(_("Use small letters, digits, - and _, 40 at most."))
    return text


def read_day(text: str) -> date:
    """A day of the shop's calendar."""
    try:
        day = date.fromisoformat(text) if len(text) == 10 and text.isascii() else None
    except ValueError:
        day = None
    if day is None or not 2000 <= day.year <= 2199:
        raise ValueError(_("Write a day such as 2026-12-01."))
    return day


def read_country(text: str) -> str:
    code = text.upper()
    if code not in all_countries():
        raise ValueError(_("Write a country's code such as ES."))
    return code


class PressForm(ShopForm):
    """One press."""


class RateForm(ShopForm):
    """A tax rate from a day on."""

    country = ReadField(_l("Country"), read=read_country, maximum=2)
    region = TextField(_l("Region"), maximum=40)
    postcode = TextField(_l("Postcode begins with"), maximum=20)
    tax_class = ReadField(_l("Tax class"), read=read_code, maximum=40)
    percent = ReadField(_l("Percent"), read=clean_percent, maximum=10)
    since = ReadField(_l("From the day"), read=read_day, maximum=10)

    @property
    def rate(self) -> TableRate:
        """After ``validate``."""
        place = (self.country.data, self.region.data or "", self.postcode.data or "")
        return TableRate(*place, self.tax_class.data, self.since.data, self.percent.data)


class TableForm(ShopForm):
    """A place of which the tables know the rates."""

    place = ChoiceField(_l("Place"), choices=[])

    def offer(self, locale: str) -> None:
        names = dict(list_countries(all_countries(), locale))
        places = places_of([*eu_rates(), *us_rates()])
        self.place.choices = [
            (f"{country}-{region}", f"{names.get(country, country)}{', ' if region else ''}{region}") for country, region in places
        ]


class RulesForm(ShopForm):
    """How sales are taxed."""

    prices_include_tax = TickField(_l("Prices contain the tax"))
    eu_sales = ChoiceField(_l("Sales to consumers in other member states of the European Union"), choices=[])

    def offer(self) -> None:
        self.eu_sales.choices = [
            (EuSales.DESTINATION.value, _("Taxed where the goods arrive (one-stop shop)")),
            (EuSales.HOME.value, _("Taxed at home: all such sales stay within 10,000 EUR a year")),
        ]


class ZoneForm(ShopForm):
    """A zone and its areas."""

    code = ReadField(_l("Code"), read=read_code, maximum=40)
    name = TextField(_l("Name"), [needed()], minimum=1, maximum=120)
    position = IntegerField(_l("Place in the list"), low=0, high=MOST_PLACE)
    areas = ReadField(_l("Areas"), read=read_areas, is_needed=False, maximum=20_000, multiline=True)
    version = wtforms.HiddenField()

    @property
    def zone(self) -> Zone:
        """After ``validate``."""
        areas: Any = self.areas.data or ()
        return Zone(str(self.code.data), str(self.name.data), areas)


def zone_form(found: StaffZone | None = None, *, fresh: bool = False) -> ZoneForm:
    """The form of a zone, or of a new one."""
    if not fresh:
        return ZoneForm()
    if found is None:
        return ZoneForm(formdata=None, data={"position": 0, "areas": "", "version": "0"})
    values = {"code": found.row.code, "name": found.row.name, "position": found.row.position, "version": str(found.row.version)}
    return ZoneForm(formdata=None, data={**values, "areas": write_areas(found.zone.areas)})


def show_areas(areas: Sequence[Area]) -> str:
    return write_areas(areas)


class MethodForm(ShopForm):
    """A way to deliver. ``method_form`` adds its texts in every language and its price in every zone."""

    code = ReadField(_l("Code"), read=read_code, maximum=40)
    kind = ChoiceField(_l("Kind"), choices=[])
    tax_class = ReadField(_l("Tax class"), read=read_code, maximum=40)
    position = IntegerField(_l("Place in the list"), low=0, high=MOST_PLACE)
    version = wtforms.HiddenField()
    zones: tuple[tuple[str, str], ...] = ()

    @property
    def locales(self) -> tuple[str, ...]:
        """The languages of the shop, the default one first."""
        return tuple(current_app.extensions["config"].locales)

    def validate(self, extra_validators: Any = None) -> bool:
        """Each field, then the steps by the measure of their zone."""
        is_fine = bool(super().validate(extra_validators))
        self.rates: list[RateDraft] = []
        for key, _name in self.zones:
            try:
                rate = self._rate(key)
            except ValueError as error:
                self[f"steps_{key}"].errors = [*self[f"steps_{key}"].errors, str(error)]
                is_fine = False
            else:
                self.rates += [rate] if rate else []
        return is_fine

    def _rate(self, key: str) -> RateDraft | None:
        price, free = self[f"price_{key}"].data, self[f"free_{key}"].data
        if price is None:
            return None
        measure, currency = Measure(self[f"measure_{key}"].data or "none"), price.currency
        steps, most = self[f"steps_{key}"].data or "", self[f"most_{key}"].data or ""
        return RateDraft(
            None if key == ANYWHERE else key,
            price.minor,
            free.minor if free else None,
            measure,
            read_measured(most, currency, measure) if most else None,
            read_steps(steps, currency, measure),
        )

    @property
    def draft(self) -> MethodDraft:
        """After ``validate``."""
        texts = {
            locale: (name, self[f"note_{locale}"].data or "")
            for locale in current_app.extensions["config"].locales
            if (name := self[f"name_{locale}"].data)
        }
        return MethodDraft(
            str(self.code.data), ShippingKind(self.kind.data), texts, self.rates, str(self.tax_class.data), self.position.data or 0
        )


def method_form(zones: Sequence[StaffZone], found: StaffMethod | None = None, *, fresh: bool = False) -> MethodForm:
    """The form of a way to deliver, or of a new one."""
    config = current_app.extensions["config"]
    fields: dict[str, Any] = {}
    for place, locale in enumerate(config.locales):
        language = language_name(locale)
        fields[f"name_{locale}"] = TextField(f"{_('Name')}, {language}", [] if place else [needed()], maximum=120)
        fields[f"note_{locale}"] = TextField(f"{_('One sentence about it')}, {language}", maximum=300)
    keys = ((ANYWHERE, _("Anywhere (collected)")), *((zone.row.code, zone.row.name) for zone in zones))
    for key, name in keys:
        fields[f"price_{key}"] = MoneyField(_("Price, %(zone)s", zone=name), currency=config.currency, optional=True)
        fields[f"free_{key}"] = MoneyField(_("Free from, %(zone)s", zone=name), currency=config.currency, optional=True)
        fields[f"measure_{key}"] = ChoiceField(_("Measured by, %(zone)s", zone=name), choices=_measures())
        fields[f"most_{key}"] = TextField(_("At most, %(zone)s", zone=name), maximum=30)
        fields[f"steps_{key}"] = TextField(_("Steps, %(zone)s", zone=name), maximum=4000, multiline=True)
    form_class = type("MethodForm", (MethodForm,), {**fields, "zones": keys})
    form: MethodForm = (
        form_class(formdata=None, data=_method_values(found, keys))
        if fresh
        else form_class(data={f"measure_{key}": "none" for key, _name in keys})
    )
    form.kind.choices = [(ShippingKind.DELIVERY.value, _("To the door")), (ShippingKind.PICKUP.value, _("Collected"))]
    return form


def _measures() -> list[tuple[str, str]]:
    return [
        (Measure.NONE.value, _("nothing: one price")),
        (Measure.WEIGHT.value, _("weight in grams")),
        (Measure.COUNT.value, _("pieces")),
        (Measure.AMOUNT.value, _("amount of the goods")),
    ]


def _method_values(found: StaffMethod | None, keys: Sequence[tuple[str, str]]) -> dict[str, Any]:
    values: dict[str, Any] = {f"measure_{key}": "none" for key, _name in keys}
    if found is None:
        return {**values, "kind": "delivery", "tax_class": GOODS, "position": 0, "version": "0"}
    values |= {name: getattr(found.row, name) for name in ("code", "tax_class", "position")}
    values |= {"kind": found.row.kind.value, "version": str(found.row.version)}
    for locale, (name, note) in found.texts.items():
        values |= {f"name_{locale}": name, f"note_{locale}": note}
    for cost in found.costs:
        key, row, measure = cost.row.zone or ANYWHERE, cost.row, Measure(cost.row.measure)
        values |= {
            f"price_{key}": Money(row.price_minor, row.currency),
            f"free_{key}": None if row.free_from_minor is None else Money(row.free_from_minor, row.currency),
            f"measure_{key}": measure.value,
            f"most_{key}": "" if row.most is None else write_measured(row.most, row.currency, measure),
            f"steps_{key}": write_steps(cost.steps, row.currency, measure),
        }
    return values


def seen_version(form: ZoneForm | MethodForm) -> int:
    """What the page showed; something else than a number fits nothing."""
    text = form.version.data or ""
    return int(text) if text.isascii() and text.isdigit() and len(text) < 16 else -1
