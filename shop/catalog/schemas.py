"""The catalog's JSON: what may be asked, and the shapes of the answers."""

from __future__ import annotations

from flask import current_app
from flask_babel import lazy_gettext as _l
from marshmallow import ValidationError, fields, validate

from shop.catalog.grid import Sort
from shop.money import MAX_MINOR
from shop.web.fields import FlagText, MoneyAmount, NumberText, ShopSchema, Text
from shop.web.pagination import CURSOR_MAX

LIMIT = 24
LIMIT_MOST = 100


class KnownLocale(Text):
    """A language of the shop."""

    def _deserialize(self, value: object, attr: str | None, data: object, **kwargs: object) -> str:  # noqa: ARG002
        if value not in current_app.extensions["config"].locales:
            raise ValidationError(str(_l("The shop does not speak this language.")))
        return str(value)


class LocaleQuery(ShopSchema):
    """``locale`` is one of the shop's languages; without it the default one speaks."""

    locale = KnownLocale()


class ProductsQuery(LocaleQuery):
    """``category`` is a slug; prices are minor units of the shop's currency; ``limit`` above 100 means 100."""

    q = Text(maximum=200)
    category = Text(maximum=200)
    sort = Text(maximum=20, validate=validate.OneOf([str(sort) for sort in Sort]))
    min_price = NumberText(high=MAX_MINOR)
    max_price = NumberText(high=MAX_MINOR)
    in_stock = FlagText()
    limit = NumberText(low=1)
    cursor = Text(maximum=CURSOR_MAX)


class SuggestionsQuery(LocaleQuery):
    """``q`` is what was typed so far."""

    q = Text(maximum=200, required=True)


class PictureSchema(ShopSchema):
    url = fields.String(required=True)
    alt = fields.String(required=True)
    width = fields.Integer(required=True)
    height = fields.Integer(required=True)


class GoodSchema(ShopSchema):
    """A product in a list."""

    id = fields.Integer(required=True)
    slug = fields.String(required=True)
    name = fields.String(required=True)
    url = fields.String(required=True)
    image = fields.Nested(PictureSchema, allow_none=True, required=True)
    price = MoneyAmount(required=True)
    compare_at = MoneyAmount(allow_none=True, required=True)
    available = fields.Boolean(required=True)


class GoodsSchema(ShopSchema):
    """``next`` is the URL of the following page."""

    items = fields.List(fields.Nested(GoodSchema), required=True)
    next = fields.String(allow_none=True, required=True)


class OptionSchema(ShopSchema):
    name = fields.String(required=True)
    values = fields.List(fields.String(), required=True)


class VariantSchema(ShopSchema):
    """``stock`` is null where nobody counts; ``lowest_30_days`` is the lowest price of the 30 days before a reduction, null without one."""

    id = fields.Integer(required=True)
    sku = fields.String(required=True)
    options = fields.Dict(keys=fields.String(), values=fields.String(), required=True)
    price = MoneyAmount(required=True)
    compare_at = MoneyAmount(allow_none=True, required=True)
    lowest_30_days = MoneyAmount(allow_none=True, required=True)
    available = fields.Boolean(required=True)
    stock = fields.Integer(allow_none=True, required=True)
    ships_in_days = fields.Integer(allow_none=True)


class ShelfLinkSchema(ShopSchema):
    id = fields.Integer(required=True)
    slug = fields.String(required=True)
    name = fields.String(required=True)
    url = fields.String(required=True)


class ProductSchema(GoodSchema):
    description_html = fields.String(required=True)
    images = fields.List(fields.Nested(PictureSchema), required=True)
    categories = fields.List(fields.Nested(ShelfLinkSchema), required=True)
    options = fields.List(fields.Nested(OptionSchema), required=True)
    variants = fields.List(fields.Nested(VariantSchema), required=True)


class ShelfSchema(ShelfLinkSchema):
    """``count`` is how many goods stand on it and below."""

    sentence = fields.String(required=True)
    image = fields.Nested(PictureSchema, allow_none=True, required=True)
    count = fields.Integer(required=True)
    children = fields.List(fields.Nested(lambda: ShelfSchema()), required=True)


class TreeSchema(ShopSchema):
    items = fields.List(fields.Nested(ShelfSchema), required=True)


class SuggestionSchema(ShopSchema):
    """``kind`` is "product" or "category"."""

    kind = fields.String(required=True)
    name = fields.String(required=True)
    url = fields.String(required=True)
    image = fields.Nested(PictureSchema, allow_none=True, required=True)
    price = MoneyAmount(allow_none=True, required=True)


class SuggestionsSchema(ShopSchema):
    items = fields.List(fields.Nested(SuggestionSchema), required=True)
