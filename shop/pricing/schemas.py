"""Taxes and deliveries as JSON, in and out."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any

from flask import current_app
from flask_babel import lazy_gettext as _l
from marshmallow import Schema, ValidationError, fields
from marshmallow.validate import Length, Regexp

from shop.pricing.delivery import GOODS, Measure
from shop.pricing.models import ShippingKind
from shop.pricing.staff import MOST_AREAS, MOST_STEPS
from shop.pricing.tax import EuSales
from shop.web.fields import Flag, MoneyAmount, ShopSchema, Text, WholeNumber
from shop.web.lists import Word

CODE_PATTERN = r"^[a-z0-9][a-z0-9_-]{0,39}$"  # also in the description of the API, whose patterns know no \Z; Text takes no line end
CODE = Regexp(CODE_PATTERN)
MOST_ZONES, MOST_PLACE = 200, 1_000_000


class WrittenDay(fields.Field[date]):
    """A day, ``2026-12-01``, of the shop's calendar."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(metadata={"type": "string", "format": "date"}, **kwargs)

    def _deserialize(self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **kwargs: Any) -> date:  # noqa: ARG002
        try:
            day = date.fromisoformat(value) if isinstance(value, str) and len(value) == 10 and value.isascii() else None
        except ValueError:
            day = None
        if day is None or not 2000 <= day.year <= 2199:
            raise ValidationError(str(_l("Send a day such as 2026-12-01.")))
        return day


class TaxRateBodySchema(ShopSchema):
    """A rate from a day on, that begins at midnight where the shop is. ``rate_ppm``: parts per million, 210000 is 21 %, 68750 is 6.875 %."""

    country = Text(minimum=2, maximum=2, required=True)
    region = Text(maximum=40, load_default="")
    postcode = Text(maximum=20, load_default="", metadata={"description": "the beginning of the postcodes of a part of the country"})
    tax_class = Text(maximum=40, validate=CODE, required=True)
    rate_ppm = WholeNumber(high=1_000_000, required=True)
    since = WrittenDay(required=True)


class AdoptionSchema(ShopSchema):
    """The place of which the tables' rates are taken over."""

    country = Text(minimum=2, maximum=2, required=True)
    region = Text(maximum=40, load_default="")


class TaxRulesSchema(ShopSchema):
    """How sales are taxed."""

    prices_include_tax = Flag(required=True)
    eu_sales = Word(EuSales, required=True)


class TaxRateSchema(Schema):
    """A rate; ``state`` is ``past``, ``now`` or ``coming``."""

    id = fields.Integer()
    country = fields.String()
    region = fields.String()
    postcode = fields.String()
    tax_class = fields.String()
    rate_ppm = fields.Integer()
    valid_from = fields.String()
    state = fields.String()


class TaxRatesSchema(Schema):
    items = fields.List(fields.Nested(TaxRateSchema))
    prices_include_tax = fields.Boolean()
    eu_sales = fields.String()


class AreaSchema(ShopSchema):
    """A country, or a part of it by region or by postcodes from … to."""

    country = Text(minimum=2, maximum=2, required=True)
    region = Text(maximum=120, load_default="")
    postcode_from = Text(maximum=20, load_default="")
    postcode_to = Text(maximum=20, load_default="")


class ZoneSchema(ShopSchema):
    """A zone as a whole; without areas it is the rest of the world. ``version`` as it was read; 0 makes a new one; left out, nothing is compared."""

    name = Text(minimum=1, maximum=120, required=True)
    position = WholeNumber(high=MOST_PLACE, load_default=0)
    areas = fields.List(fields.Nested(AreaSchema), required=True, validate=Length(max=MOST_AREAS))
    version = WholeNumber(load_default=None)


class StepSchema(ShopSchema):
    """From so many grams, pieces or minor units on."""

    from_value = WholeNumber(high=10**14, required=True)
    price = MoneyAmount(required=True)


class CostSchema(ShopSchema):
    """What a method costs in a zone; ``zone`` null is anywhere, for what is collected."""

    zone = Text(maximum=40, allow_none=True, required=True)
    price = MoneyAmount(required=True)
    free_from = MoneyAmount(allow_none=True, load_default=None)
    measure = Word(Measure, load_default=Measure.NONE)
    most = WholeNumber(high=10**14, allow_none=True, load_default=None)
    steps = fields.List(fields.Nested(StepSchema), load_default=list, validate=Length(max=MOST_STEPS))


class MethodTextSchema(ShopSchema):
    name = Text(minimum=1, maximum=120, required=True)
    note = Text(maximum=300, load_default="")


class TextsByLocale(fields.Field[dict[str, Any]]):
    """An object with a member per language of the shop."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(metadata={"type": "object", "example": {"en": {"name": "Parcel", "note": ""}}}, **kwargs)

    def _deserialize(self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **kwargs: Any) -> dict[str, Any]:  # noqa: ARG002
        spoken, inner = current_app.extensions["config"].locales, MethodTextSchema()
        if not isinstance(value, dict) or not value or not set(value) <= set(spoken):
            raise ValidationError(str(_l("Send an object with a member per language of the shop.")))
        errors = {locale: wrong for locale, text in value.items() if (wrong := inner.validate(text) if isinstance(text, dict) else ["?"])}
        if errors:
            raise ValidationError(errors)
        return {locale: inner.load(text) for locale, text in value.items()}


class MethodSchema(ShopSchema):
    """A way to deliver as a whole: what is not named is gone afterwards. ``tax_class`` ``goods`` is taxed as the goods are that it brings."""

    kind = Word(ShippingKind, required=True)
    tax_class = Text(maximum=40, validate=CODE, load_default=GOODS)
    position = WholeNumber(high=MOST_PLACE, load_default=0)
    texts = TextsByLocale(required=True)
    rates = fields.List(fields.Nested(CostSchema), required=True, validate=Length(max=MOST_ZONES))
    version = WholeNumber(load_default=None)


class DeliveryTablesSchema(Schema):
    """All zones and methods, each as it is written, with its code and version."""

    zones = fields.List(fields.Dict())
    methods = fields.List(fields.Dict())
