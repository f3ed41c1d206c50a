"""JSON about what guards an account."""

from __future__ import annotations

from marshmallow import fields

from shop.web.fields import Password, ShopSchema, Text


class ProofSchema(ShopSchema):
    """The password once more."""

    password = Password(required=True)


class FirstCodeSchema(ShopSchema):
    """Six digits that the app shows."""

    code = Text(minimum=1, maximum=20, required=True)


class AppSchema(ShopSchema):
    """The key of an app, as the address that apps read and as letters."""

    uri = fields.String(required=True)
    letters = fields.String(required=True)


class CodesSchema(ShopSchema):
    """Recovery codes, shown this once; none where the old ones still hold."""

    codes = fields.List(fields.String(), required=True)


class PasskeySchema(ShopSchema):
    """One passkey."""

    id = fields.Integer(required=True)
    name = fields.String(required=True)
    created_at = fields.DateTime(required=True)
    used_at = fields.DateTime(allow_none=True)


class LocksSchema(ShopSchema):
    """What guards the account besides its password."""

    app_since = fields.DateTime(allow_none=True)
    codes_left = fields.Integer(required=True)
    passkeys = fields.List(fields.Nested(PasskeySchema), required=True)
