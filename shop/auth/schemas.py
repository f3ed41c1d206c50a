"""JSON at the door."""

from __future__ import annotations

from marshmallow import fields

from shop.auth.passwords import LONGEST, SHORTEST
from shop.web.fields import Email, Password, ShopSchema, Text


class LoginSchema(ShopSchema):
    """Address and password."""

    email = Email(required=True)
    password = Password(required=True)


class RegisterSchema(ShopSchema):
    """What an account needs."""

    name = Text(minimum=1, maximum=120, required=True)
    email = Email(required=True)
    password = Password(minimum=SHORTEST, maximum=LONGEST, required=True)


class PersonSchema(ShopSchema):
    """Who is logged in."""

    email = fields.String(required=True)
    name = fields.String(required=True)
    role = fields.String(required=True)
    locale = fields.String(required=True)
