"""JSON around a link in a mail."""

from __future__ import annotations

from shop.auth.passwords import LONGEST, SHORTEST
from shop.web.fields import Email, Flag, Password, ShopSchema, Text


class RegisterSchema(ShopSchema):
    """What an account needs."""

    name = Text(minimum=1, maximum=120, required=True)
    email = Email(required=True)
    password = Password(minimum=SHORTEST, maximum=LONGEST, required=True)


class RegistrationSchema(ShopSchema):
    """A registration that waits for its mail to be read: its name, for asking for the mail once more."""

    registration = Text(minimum=1, maximum=100, required=True)


class ConfirmationSchema(ShopSchema):
    """The token of the link in the mail, and the password that was chosen."""

    token = Text(minimum=1, maximum=100, required=True)
    password = Password(required=True)
    is_remembered = Flag(load_default=False)


class TokenSchema(ShopSchema):
    """The token of the link in the mail."""

    token = Text(minimum=1, maximum=100, required=True)


class EmailSchema(ShopSchema):
    """An address."""

    email = Email(required=True)


class ResetSchema(ShopSchema):
    """The token of the link in the mail, and the new password."""

    token = Text(minimum=1, maximum=100, required=True)
    new = Password(minimum=SHORTEST, maximum=LONGEST, required=True)
