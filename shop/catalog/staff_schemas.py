"""The catalog's JSON for staff: what may be sent; the answers stand in ``staff_answers``. In a change, what is not named stays as it is."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from flask import current_app
from flask_babel import lazy_gettext as _l
from marshmallow import ValidationError, fields, validate

from shop.catalog.schemas import LIMIT_MOST
from shop.catalog.staff_queries import PAGE, ProductState, Supply
from shop.catalog.staff_stock import StockView
from shop.inventory.models import Reason
from shop.inventory.services import MOST_BACKORDER, MOST_LEAD_DAYS, MOST_ON_HAND
from shop.web.fields import Flag, MoneyAmount, NumberText, ShopSchema, Text, WholeNumber
from shop.web.lists import Word
from shop.web.pagination import CURSOR_MAX

MOMENT = re.compile(r"2[01]\d\d-\d\d-\d\dT\d\d:\d\d(:\d\d(\.\d{1,6})?)?(Z|[+-]\d\d:\d\d)")
SWATCH = re.compile(r"^(#[0-9a-f]{6})?$")
MOST_IDS = 200
MOST_LOW_AT = 1_000_000
MOST_WEIGHT_G = 1_000_000_000
MOST_PLACE = 1_000_000
TEXTS = {"name": 500, "slug": 100, "subtitle": 500, "description_html": 50_000, "seo_title": 200, "seo_description": 500}
SHELF_TEXTS = {"name": 200, "slug": 100, "sentence": 500}
MADE_BY_HAND = [Reason.COUNT, Reason.CORRECTION]


class Moment(fields.Field[datetime]):
    """A moment with its offset, ``2026-12-01T08:00:00Z``, between 2000 and 2199."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(metadata={"type": "string", "format": "date-time"}, **kwargs)

    def _serialize(self, value: datetime | None, attr: str | None, obj: Any, **kwargs: Any) -> Any:  # noqa: ARG002
        return None if value is None else value.isoformat()

    def _deserialize(self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **kwargs: Any) -> datetime:  # noqa: ARG002
        try:
            if not isinstance(value, str) or not MOMENT.fullmatch(value):
                raise ValueError
            return datetime.fromisoformat(value).astimezone(UTC)
        except ValueError:
            raise ValidationError(str(_l("Send a moment such as 2026-12-01T08:00:00Z."))) from None


class ByLocale(fields.Field[dict[str, Any]]):
    """An object with a member per language of the shop, each of which is checked by ``inner``."""

    def __init__(self, inner: fields.Field[Any], **kwargs: Any) -> None:
        inside = {"type": "object"} if isinstance(inner, fields.Nested) else dict(inner.metadata)
        super().__init__(
            metadata={"type": "object", "additionalProperties": inside, "example": kwargs.pop("example", {"en": "Mug"})}, **kwargs
        )
        self.inner = inner

    def _deserialize(self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **kwargs: Any) -> dict[str, Any]:  # noqa: ARG002
        if not isinstance(value, dict):
            raise ValidationError(str(_l("Send an object with a member per language.")))
        spoken, found, errors = current_app.extensions["config"].locales, {}, {}
        for locale, text in value.items():
            try:
                if locale not in spoken:
                    raise ValidationError(str(_l("The shop does not speak this language.")))
                found[locale] = self.inner.deserialize(text)
            except ValidationError as problem:
                errors[str(locale)] = problem.messages
        if errors:
            raise ValidationError(errors)
        return found


class Lines(fields.Field[Any]):
    """The values of an attribute: a list of texts, or such a list per language."""

    def __init__(self, **kwargs: Any) -> None:
        one = {"type": "array", "items": {"type": "string"}}
        super().__init__(metadata={"anyOf": [one, {"type": "object", "additionalProperties": one}]}, **kwargs)
        self.list = fields.List(Text(minimum=1, maximum=5000, multiline=True), validate=validate.Length(max=MOST_IDS))
        self.spoken = ByLocale(self.list)

    def _deserialize(self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **kwargs: Any) -> Any:  # noqa: ARG002
        if isinstance(value, dict):
            common = {"": self.list.deserialize(value[""])} if "" in value else {}
            return {**common, **self.spoken.deserialize({locale: lines for locale, lines in value.items() if locale != ""})}
        return self.list.deserialize(value)


class ProductTextsSchema(ShopSchema):
    """What customers read about a product, in one language."""

    name = Text(maximum=TEXTS["name"])
    slug = Text(maximum=TEXTS["slug"])
    subtitle = Text(maximum=TEXTS["subtitle"])
    description_html = Text(maximum=TEXTS["description_html"], multiline=True)
    seo_title = Text(maximum=TEXTS["seo_title"])
    seo_description = Text(maximum=TEXTS["seo_description"])


class ShelfTextsSchema(ShopSchema):
    """What customers read about a category, in one language."""

    name = Text(maximum=SHELF_TEXTS["name"])
    slug = Text(maximum=SHELF_TEXTS["slug"])
    sentence = Text(maximum=SHELF_TEXTS["sentence"])


class VersionSchema(ShopSchema):
    """``version`` is the one that was read: the act is refused (409) when it has moved since. Left out, nothing is compared."""

    version = WholeNumber(low=1)


class ProductChangeSchema(VersionSchema):
    """``published_at`` null makes it a draft; the first of ``category_ids`` is its main category."""

    texts = ByLocale(fields.Nested(ProductTextsSchema), example={"en": {"name": "Mug"}})
    brand = Text(maximum=200)
    kind = Text(maximum=200)
    tax_class = Text(minimum=1, maximum=50)
    position = WholeNumber(low=0, high=MOST_PLACE)
    category_ids = fields.List(WholeNumber(low=1), validate=validate.Length(max=MOST_IDS))
    tags = fields.List(Text(minimum=1, maximum=50), validate=validate.Length(max=MOST_IDS))
    published_at = Moment(allow_none=True)


class ProductBodySchema(ProductChangeSchema):
    """A new product. ``handle`` names it for imports; made of the name when left out."""

    class Meta(ShopSchema.Meta):
        exclude = ("version",)

    texts = ByLocale(fields.Nested(ProductTextsSchema), required=True, example={"en": {"name": "Mug"}})
    handle = Text(minimum=1, maximum=200)


class AttributesSchema(VersionSchema):
    """Exactly these, in this order: ``{"height": ["95"], "material": {"en": ["clay"], "es": ["barro"]}}``."""

    attributes = fields.Dict(keys=Text(minimum=1, maximum=100), values=Lines(), required=True, validate=validate.Length(max=MOST_IDS))


class ValueBodySchema(ShopSchema):
    """A value of an option; a new one has no ``id``."""

    id = WholeNumber(low=1, load_default=None)
    names = ByLocale(Text(maximum=100), required=True)
    swatch = Text(maximum=7, load_default="", validate=validate.Regexp(SWATCH))


class OptionBodySchema(VersionSchema):
    """An option with exactly these values, in this order."""

    names = ByLocale(Text(maximum=100), required=True)
    values = fields.List(fields.Nested(ValueBodySchema), required=True, validate=validate.Length(max=MOST_IDS))


class VariantChangeSchema(VersionSchema):
    """``value_ids`` has one value of each option; ``image_id`` is one of the product's pictures, null the main one."""

    value_ids = fields.List(WholeNumber(low=1), validate=validate.Length(max=50))
    sku = Text(maximum=200, is_code=True)
    barcode = Text(maximum=100, is_code=True)
    weight_g = WholeNumber(low=0, high=MOST_WEIGHT_G)
    requires_shipping = Flag()
    image_id = WholeNumber(low=1, allow_none=True)
    position = WholeNumber(low=0, high=MOST_PLACE)


class VariantBodySchema(VariantChangeSchema):
    """A new variant. ``on_hand`` null is not counted; ``version`` is the product's."""

    price = MoneyAmount(allow_none=True)
    compare_at = MoneyAmount(allow_none=True)
    on_hand = WholeNumber(low=0, high=MOST_ON_HAND, allow_none=True)
    low_at = WholeNumber(low=0, high=MOST_LOW_AT)


class PriceBodySchema(VersionSchema):
    """The price from ``valid_from`` (now) on; ``compare_at`` is the former one shown beside it."""

    price = MoneyAmount(required=True)
    compare_at = MoneyAmount(allow_none=True, load_default=None)
    valid_from = Moment(load_default=None)


class StockBodySchema(ShopSchema):
    """``on_hand`` is what is there now, null: nobody counts it. ``reason`` goes into the ledger."""

    on_hand = WholeNumber(low=0, high=MOST_ON_HAND, allow_none=True, required=True)
    low_at = WholeNumber(low=0, high=MOST_LOW_AT, load_default=None)
    backorder_to = WholeNumber(low=0, high=MOST_BACKORDER, load_default=None)
    lead_days = WholeNumber(low=0, high=MOST_LEAD_DAYS, load_default=0)
    reason = Text(maximum=20, load_default=Reason.COUNT.value, validate=validate.OneOf([reason.value for reason in MADE_BY_HAND]))


class DeliverySchema(ShopSchema):
    """Pieces that came in; they are added to what is there."""

    quantity = WholeNumber(low=1, high=MOST_ON_HAND, required=True)


class PlacedPictureSchema(ShopSchema):
    """A picture of the product and what it shows, per language."""

    id = WholeNumber(low=1, required=True)
    alt = ByLocale(Text(maximum=500), load_default=dict)


class PicturesBodySchema(VersionSchema):
    """Exactly these pictures, in this order; those not named are taken off."""

    images = fields.List(fields.Nested(PlacedPictureSchema), required=True, validate=validate.Length(max=MOST_IDS))


class CategoryChangeSchema(VersionSchema):
    """``parent_id`` null is the top."""

    texts = ByLocale(fields.Nested(ShelfTextsSchema), example={"en": {"name": "Table"}})
    parent_id = WholeNumber(low=1, allow_none=True)
    position = WholeNumber(low=0, high=MOST_PLACE)


class CategoryBodySchema(CategoryChangeSchema):
    """A new category, behind its neighbors unless ``position`` says otherwise."""

    class Meta(ShopSchema.Meta):
        exclude = ("version",)

    texts = ByLocale(fields.Nested(ShelfTextsSchema), required=True, example={"en": {"name": "Table"}})


# Questions


class RecordsQuery(ShopSchema):
    """Which products; ``category`` is an id and means the branch."""

    q = Text(maximum=200, load_default="")
    state = Word(ProductState, load_default=None)
    supply = Word(Supply, load_default=None)
    category = NumberText(low=1, load_default=None)
    limit = NumberText(low=1, high=LIMIT_MOST, load_default=PAGE)
    cursor = Text(maximum=CURSOR_MAX, load_default=None)


class StockQuery(ShopSchema):
    """Which variants."""

    q = Text(maximum=200, load_default="")
    view = Word(StockView, load_default=None)
    limit = NumberText(low=1, high=LIMIT_MOST, load_default=PAGE)
    cursor = Text(maximum=CURSOR_MAX, load_default=None)


class LedgerQuery(ShopSchema):
    """A place in the ledger."""

    limit = NumberText(low=1, high=LIMIT_MOST, load_default=PAGE)
    cursor = Text(maximum=CURSOR_MAX, load_default=None)
