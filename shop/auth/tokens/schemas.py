"""JSON of tokens."""

from __future__ import annotations

from marshmallow import fields

from shop.web.fields import Email, Password, ShopSchema, Text


class TokenRequestSchema(ShopSchema):
    """One of: ``email`` and ``password``, with ``code`` where a second factor is set up; ``ticket`` and ``code`` to finish after the answer
    ``second-factor-needed``; ``provider`` and ``id_token`` (with its ``nonce``, if it has one) of a provider that the shop knows."""

    email = Email()
    password = Password()
    code = Text(minimum=1, maximum=40)
    ticket = Text(minimum=1, maximum=100)
    provider = Text(minimum=1, maximum=40)
    id_token = Text(minimum=1, maximum=10_000)
    nonce = Text(minimum=1, maximum=200)


class RefreshSchema(ShopSchema):
    """The refresh token of the last answer."""

    refresh_token = Text(minimum=1, maximum=200, required=True)


class TokensSchema(ShopSchema):
    """Send ``access_token`` as ``Authorization: Bearer …``; after ``expires_in`` seconds ask for the next with ``refresh_token``, which works once."""

    access_token = fields.String(required=True)
    token_type = fields.String(required=True)
    expires_in = fields.Integer(required=True)
    refresh_token = fields.String(required=True)
