"""JSON at the door."""

from __future__ import annotations

from marshmallow import fields, validate

from shop.web.fields import Email, Flag, Password, ShopSchema, Text


class LoginSchema(ShopSchema):
    """Address and password; ``is_remembered`` stays logged in when the browser is closed."""

    email = Email(required=True)
    password = Password(required=True)
    is_remembered = Flag(load_default=False)


class StrengthQuestionSchema(ShopSchema):
    """A password that somebody is choosing, and what others know of them."""

    password = Password(required=True)
    about = fields.List(Text(maximum=254), load_default=list, validate=validate.Length(max=5))


class StrengthSchema(ShopSchema):
    """From 0, guessed at once, to 4; and what to do."""

    score = fields.Integer(required=True)
    words = fields.String(required=True)


class PersonSchema(ShopSchema):
    """Who is logged in."""

    email = fields.String(required=True)
    name = fields.String(required=True)
    role = fields.String(required=True)
    locale = fields.String(required=True)
