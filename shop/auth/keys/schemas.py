"""JSON of keys."""

from __future__ import annotations

from marshmallow import fields

from shop.auth.keys.services import LONGEST_DAYS
from shop.web.fields import ShopSchema, Text, WholeNumber


class NewKeySchema(ShopSchema):
    """A key to be made: its ``name``, the ``permissions`` that its program gets, and after how many ``days`` it ends."""

    name = Text(minimum=1, maximum=80, required=True)
    permissions = fields.List(Text(minimum=1, maximum=60), required=True, validate=lambda found: len(found) <= 100)
    days = WholeNumber(low=1, high=LONGEST_DAYS, load_default=365)


class KeySchema(ShopSchema):
    """A key, without the key itself."""

    id = fields.Integer(required=True)
    prefix = fields.String(required=True)
    name = fields.String(required=True)
    permissions = fields.List(fields.String(), required=True)
    made_by = fields.String(required=True)
    created_at = fields.AwareDateTime(required=True)
    expires_at = fields.AwareDateTime(required=True)
    revoked_at = fields.AwareDateTime(required=True, allow_none=True)
    used_at = fields.AwareDateTime(required=True, allow_none=True)
    used_from = fields.String(required=True)


class KeyListSchema(ShopSchema):
    """Every key, newest first, revoked ones at the end."""

    items = fields.List(fields.Nested(KeySchema), required=True)


class MadeKeySchema(ShopSchema):
    """The ``key`` as it was made: nobody can read it a second time."""

    id = fields.Integer(required=True)
    prefix = fields.String(required=True)
    key = fields.String(required=True)
