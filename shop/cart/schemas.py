"""The cart in JSON: what comes in, what goes out."""

from __future__ import annotations

from typing import Any

from flask import url_for
from marshmallow import Schema, fields

from shop.cart.models import MAX_QUANTITY
from shop.cart.quotes import CartLine, CartView, Notice
from shop.media.urls import ImageView, media_url
from shop.money import Money
from shop.promotion.models import LONGEST_CODE
from shop.web.fields import FlagText, MoneyAmount, ShopSchema, Text, WholeNumber

SHOWN_WIDTH = 320


class AddSchema(ShopSchema):
    variant_id = WholeNumber(low=1, required=True)
    quantity = WholeNumber(low=1, high=MAX_QUANTITY, required=True)


class ChangeSchema(ShopSchema):
    quantity = WholeNumber(low=0, high=MAX_QUANTITY, required=True)


class WhereSchema(ShopSchema):
    country = Text(maximum=2, load_default="", metadata={"description": "where it would go; the shop's own country if left out"})
    trace = FlagText(load_default=False, metadata={"description": "with why it costs this, line by line"})


class CodeSchema(ShopSchema):
    code = Text(maximum=LONGEST_CODE * 2, minimum=1, required=True)


class NoticeSchema(Schema):
    code = fields.String()
    text = fields.String()


class ImageSchema(Schema):
    url = fields.String()
    alt = fields.String()
    width = fields.Integer()
    height = fields.Integer()


class ItemSchema(Schema):
    id = fields.Integer()
    variant_id = fields.Integer()
    sku = fields.String()
    name = fields.String()
    options = fields.String(metadata={"description": "what was chosen, such as `Sage, 250 ml`; empty where there is no choice"})
    url = fields.String()
    image = fields.Nested(ImageSchema, allow_none=True)
    quantity = fields.Integer(metadata={"description": "how many can be bought now; 0 when nothing is left"})
    unit_price = MoneyAmount()
    total = MoneyAmount(metadata={"description": "before discounts"})
    discount = MoneyAmount(metadata={"description": "what promotions take off this line, its share of each"})
    notices = fields.List(fields.Nested(NoticeSchema))


class DiscountSchema(Schema):
    label = fields.String()
    code = fields.String(allow_none=True, metadata={"description": "null where it works by itself"})
    amount = MoneyAmount()


class CartCodeSchema(Schema):
    code = fields.String()
    counts = fields.Boolean()
    saving = MoneyAmount()
    text = fields.String(metadata={"description": "why it does not count and what would make it, or how it would give more"})


class TotalsSchema(Schema):
    subtotal = MoneyAmount()
    discount = MoneyAmount()
    shipping = MoneyAmount(metadata={"description": "before discounts"})
    untaxed = MoneyAmount(
        metadata={"description": "tax that prices contain and nobody asks here (an export, reverse charge); it is taken off"}
    )
    tax = MoneyAmount()
    total = MoneyAmount()


class CartSchema(Schema):
    items = fields.List(fields.Nested(ItemSchema))
    count = fields.Integer()
    totals = fields.Nested(TotalsSchema)
    fingerprint = fields.String(
        metadata={"description": "of all that these totals say; send it as `shown` with the order, and nothing else is charged"}
    )
    discounts = fields.List(fields.Nested(DiscountSchema))
    codes = fields.List(fields.Nested(CartCodeSchema))
    trace = fields.Dict(
        metadata={"description": "only with `trace=1`: base, discounts, tax and rounding of every line, and what did not count"}
    )
    notices = fields.List(fields.Nested(NoticeSchema))


def dump_cart(view: CartView, news: list[str]) -> dict[str, Any]:
    """The cart as ``CartSchema`` describes it, written by hand: marshmallow would take longer than the rest of the request."""
    quote = view.quote
    discounts = {line.item.variant_id: line.discount_minor for line in quote.lines}
    about = [Notice("merged", "good", sentence) for sentence in news]
    return {
        "items": [_dump_line(line, discounts.get(line.variant_id, 0)) for line in view.lines],
        "count": view.count,
        "totals": {
            name: Money(minor, quote.currency).dump()
            for name, minor in (
                ("subtotal", quote.subtotal_minor),
                ("discount", quote.discount_minor),
                ("shipping", quote.shipping_minor),
                ("untaxed", quote.untaxed_minor),
                ("tax", quote.tax_minor),
                ("total", quote.total_minor),
            )
        },
        "fingerprint": quote.fingerprint,
        "discounts": [
            {"label": one.label, "code": one.code, "amount": Money(one.amount_minor, quote.currency).dump()} for one in quote.discounts
        ],
        "codes": [{"code": one.code, "counts": one.counts, "saving": one.saving.dump(), "text": one.text} for one in view.codes],
        "notices": _dump_notices((*about, *view.notices)),
    }


def _dump_line(line: CartLine, discount_minor: int) -> dict[str, Any]:
    return {
        "id": line.id,
        "variant_id": line.variant_id,
        "sku": line.sku,
        "name": line.name,
        "options": line.options,
        "url": url_for("catalog.show_product", slug=line.slug) if line.slug else url_for("cart.show_cart"),
        "image": _dump_image(line.image, line.name),
        "quantity": line.quantity,
        "unit_price": line.shown_price.dump(),
        "total": line.total.dump(),
        "discount": Money(discount_minor, line.total.currency).dump(),
        "notices": _dump_notices(line.notices),
    }


def _dump_image(image: ImageView | None, alt: str) -> dict[str, Any] | None:
    if image is None:
        return None
    width = next((width for width in image.widths if width >= SHOWN_WIDTH), image.widths[-1])
    height = max(image.height * width // image.width, 1)
    return {"url": media_url(image, width, "jpeg"), "alt": image.alt or alt, "width": width, "height": height}


def _dump_notices(notices: tuple[Notice, ...]) -> list[dict[str, str]]:
    return [{"code": notice.code, "text": notice.text} for notice in notices]
