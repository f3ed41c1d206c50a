"""JSON of the second step."""

from __future__ import annotations

from marshmallow import fields

from shop.web.fields import ShopSchema, Text


class SecondStepSchema(ShopSchema):
    """The ticket of the first step, and six digits of the app or a recovery code."""

    ticket = Text(minimum=1, maximum=100, required=True)
    code = Text(minimum=1, maximum=40, required=True)


class PasskeyQuestionSchema(ShopSchema):
    """With the ticket of a first step the passkey is its second one."""

    ticket = Text(maximum=100, load_default="")


class PasskeyAnswerSchema(ShopSchema):
    """What ``PublicKeyCredential.toJSON()`` gave, and the ticket of the first step, if there was one."""

    credential = fields.Dict(required=True)
    ticket = Text(maximum=100, load_default="")
