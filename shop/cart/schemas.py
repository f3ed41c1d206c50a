"""The cart in JSON: what comes in, what goes out."""

from __future__ import annotations

from typing import Any

from flask import url_for
from marshmallow import Schema, fields

from shop.cart.models import MAX_QUANTITY
from shop.cart.quotes import CartLine, CartView, Notice
from shop.media.urls import ImageView, media_url
from shop.money import Money
from shop.web.fields import MoneyAmount, ShopSchema, WholeNumber

SHOWN_WIDTH = 320


class AddSchema(ShopSchema):
    variant_id = WholeNumber(low=1, required=True)
    quantity = WholeNumber(low=1, high=MAX_QUANTITY, required=True)


class ChangeSchema(ShopSchema):
    quantity = WholeNumber(low=0, high=MAX_QUANTITY, required=True)


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
    total = MoneyAmount()
    notices = fields.List(fields.Nested(NoticeSchema))


class TotalsSchema(Schema):
    subtotal = MoneyAmount()
    discount = MoneyAmount()
    shipping = MoneyAmount()
    tax = MoneyAmount()
    total = MoneyAmount()


class CartSchema(Schema):
    items = fields.List(fields.Nested(ItemSchema))
    count = fields.Integer()
    totals = fields.Nested(TotalsSchema)
    fingerprint = fields.String(
        metadata={"description": "of all that these totals say; send it as `shown` with the order, and nothing else is charged"}
    )
    notices = fields.List(fields.Nested(NoticeSchema))


def dump_cart(view: CartView, news: list[str]) -> dict[str, Any]:
    """The cart as ``CartSchema`` describes it, written by hand: marshmallow would take longer than the rest of the request."""
    quote = view.quote
    about = [Notice("merged", "good", sentence) for sentence in news]
    return {
        "items": [_dump_line(line) for line in view.lines],
        "count": view.count,
        "totals": {
            name: Money(minor, quote.currency).dump()
            for name, minor in (
                ("subtotal", quote.subtotal_minor),
                ("discount", quote.discount_minor),
                ("shipping", quote.shipping_minor),
                ("tax", quote.tax_minor),
                ("total", quote.total_minor),
            )
        },
        "fingerprint": quote.fingerprint,
        "notices": _dump_notices((*about, *view.notices)),
    }


def _dump_line(line: CartLine) -> dict[str, Any]:
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
