"""What is known of somebody, consents and receipts as JSON."""

from __future__ import annotations

from typing import Any

from marshmallow import fields

from shop.privacy.queries import get_receipt
from shop.web.fields import Flag, Password, ShopSchema, Text


class MyDataSchema(ShopSchema):
    """Everything that the shop knows of somebody: rows by table, and which version of the terms each order accepted."""

    sections = fields.Dict()
    accepted_terms = fields.List(fields.Dict())


class MarketingSchema(ShopSchema):
    """May the shop write about new things?"""

    is_given = Flag(required=True)


class FiguresSchema(ShopSchema):
    """Yes or no to the sentence about figures."""

    is_given = Flag(required=True)


class ErasureBodySchema(ShopSchema):
    """The password of the account."""

    password = Password(required=True)


class ReceiptSchema(ShopSchema):
    """The receipt of an erasure: rows that went, and rows that stay with the reason."""

    reference = Text()
    at = Text()
    erased = fields.Dict()
    kept = fields.Dict()


def dump_receipt(reference: str) -> dict[str, Any]:
    """A receipt as JSON."""
    found = get_receipt(reference)
    assert found is not None
    return {"reference": found.reference, "at": found.at.isoformat(), "erased": found.erased, "kept": found.kept}
