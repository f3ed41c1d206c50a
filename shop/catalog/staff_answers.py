"""The shapes of the catalog's JSON answers to staff."""

from __future__ import annotations

from marshmallow import fields

from shop.catalog.staff_schemas import ProductTextsSchema, ShelfTextsSchema
from shop.web.fields import MoneyAmount, ShopSchema, Text


class RecordItemSchema(ShopSchema):
    """A product in the list of staff; ``url`` is the whole record as JSON."""

    id = fields.Integer()
    url = Text()
    name = Text()
    state = Text()
    version = fields.Integer()
    price_from = MoneyAmount(allow_none=True)
    on_hand = fields.Integer(allow_none=True)
    variants = fields.Integer()


class RecordListSchema(ShopSchema):
    """Newest first; ``next`` is the address of the following page, or null."""

    items = fields.List(fields.Nested(RecordItemSchema))
    next = Text(allow_none=True)


class OptionValueRecordSchema(ShopSchema):
    id = fields.Integer()
    code = Text()
    names = fields.Dict(keys=fields.String(), values=fields.String())
    swatch = Text()


class OptionRecordSchema(ShopSchema):
    id = fields.Integer()
    code = Text()
    names = fields.Dict(keys=fields.String(), values=fields.String())
    values = fields.List(fields.Nested(OptionValueRecordSchema))


class VariantRecordSchema(ShopSchema):
    """``price`` null: it cannot be bought; ``on_hand`` null: nobody counts it."""

    id = fields.Integer()
    version = fields.Integer()
    sku = Text()
    barcode = Text()
    value_ids = fields.List(fields.Integer())
    price = MoneyAmount(allow_none=True)
    compare_at = MoneyAmount(allow_none=True)
    weight_g = fields.Integer()
    requires_shipping = fields.Boolean()
    image_id = fields.Integer(allow_none=True)
    on_hand = fields.Integer(allow_none=True)
    low_at = fields.Integer()
    archived_at = Text(allow_none=True)


class PictureRecordSchema(ShopSchema):
    """``id`` names its place on the product; ``alt`` is per language."""

    id = fields.Integer()
    url = fields.String()
    alt = fields.Dict(keys=fields.String(), values=fields.String())
    width = fields.Integer()
    height = fields.Integer()


class RecordSchema(ShopSchema):
    """A product as staff sees it, in every language and state."""

    id = fields.Integer()
    version = fields.Integer()
    handle = Text()
    state = Text()
    texts = fields.Dict(keys=fields.String(), values=fields.Nested(ProductTextsSchema))
    brand = Text()
    kind = Text()
    tax_class = Text()
    position = fields.Integer()
    category_ids = fields.List(fields.Integer())
    tags = fields.List(fields.String())
    published_at = Text(allow_none=True)
    archived_at = Text(allow_none=True)
    options = fields.List(fields.Nested(OptionRecordSchema))
    variants = fields.List(fields.Nested(VariantRecordSchema))
    images = fields.List(fields.Nested(PictureRecordSchema))
    attributes = fields.Dict(keys=fields.String(), values=fields.Dict(keys=fields.String(), values=fields.List(fields.String())))


class StockItemSchema(ShopSchema):
    """The stock of a variant."""

    variant_id = fields.Integer()
    product_id = fields.Integer()
    name = Text()
    options = Text()
    sku = Text()
    on_hand = fields.Integer(allow_none=True)
    low_at = fields.Integer()
    backorder_to = fields.Integer()
    lead_days = fields.Integer()


class StockListSchema(ShopSchema):
    """``next`` is the address of the following page, or null."""

    items = fields.List(fields.Nested(StockItemSchema))
    next = Text(allow_none=True)


class MovementSchema(ShopSchema):
    """A line of the ledger; ``after`` is how many there were then."""

    id = fields.Integer()
    at = Text()
    delta = fields.Integer()
    reason = Text()
    reference = Text()
    actor = Text()
    after = fields.Integer()


class LedgerSchema(ShopSchema):
    """Newest first."""

    items = fields.List(fields.Nested(MovementSchema))
    next = Text(allow_none=True)


class CategoryRecordSchema(ShopSchema):
    """A category as staff sees it; ``count`` is how many goods are on sale in it and below."""

    id = fields.Integer()
    version = fields.Integer()
    parent_id = fields.Integer(allow_none=True)
    position = fields.Integer()
    texts = fields.Dict(keys=fields.String(), values=fields.Nested(ShelfTextsSchema))
    count = fields.Integer()
    archived_at = Text(allow_none=True)
