"""What programs send to order."""

from __future__ import annotations

from marshmallow import fields

from shop.web.fields import Email, Flag, ShopSchema, Text


class AddressSchema(ShopSchema):
    """An address; what a country asks for is checked by ``shop.customer.addresses``, as on the page."""

    name = Text(maximum=120, load_default="")
    company = Text(maximum=120, load_default="")
    line1 = Text(maximum=200, load_default="")
    line2 = Text(maximum=200, load_default="")
    city = Text(maximum=120, load_default="")
    region = Text(maximum=120, load_default="")
    postcode = Text(maximum=20, load_default="")
    country = Text(maximum=2, load_default="")
    phone = Text(maximum=40, load_default="")


class PlaceOrderSchema(ShopSchema):
    """An order of what lies in the visitor's cart. ``shown`` is the fingerprint of the quote that the customer saw: another one is refused."""

    email = Email(required=True)
    shipping_address = fields.Nested(AddressSchema, required=True)
    billing_address = fields.Nested(AddressSchema, allow_none=True, load_default=None)
    shipping_method = Text(maximum=40, load_default="")
    payment_method = Text(maximum=40, required=True)
    accepts_terms = Flag(required=True)
    note = Text(maximum=1000, multiline=True, load_default="")
    vat_number = Text(
        maximum=40, load_default="", metadata={"description": "of a business in another member state: it owes the tax itself"}
    )
    shown = Text(maximum=64, allow_none=True, load_default=None)
