"""People and roles as JSON."""

from __future__ import annotations

from marshmallow import fields, validate

from shop.catalog.schemas import KnownLocale
from shop.web.fields import Email, Flag, FlagText, ShopSchema, Text, WholeNumber
from shop.web.pagination import CURSOR_MAX


class PeopleQuerySchema(ShopSchema):
    """``q`` is the beginning of an e-mail or a part of a name."""

    q = Text(maximum=200, load_default="")
    cursor = Text(maximum=CURSOR_MAX, load_default=None)


class UserQuerySchema(PeopleQuerySchema):
    """Which accounts."""

    role = Text(maximum=40, load_default="")
    locked = FlagText(load_default=False)


class UserSchema(ShopSchema):
    """Somebody who can log in."""

    id = WholeNumber()
    email = Text()
    name = Text()
    role = Text()
    locale = Text()
    created_at = Text()
    locked_at = Text(allow_none=True)
    version = WholeNumber()


class UserListSchema(ShopSchema):
    """Accounts, newest first; ``next`` is the address of those before them."""

    items = fields.List(fields.Nested(UserSchema))
    next = Text(allow_none=True)


class DeviceSchema(ShopSchema):
    """Where somebody is logged in."""

    created_at = Text()
    seen_at = Text()
    address = Text()
    device = Text()


class UserRecordSchema(UserSchema):
    """An account with its devices; ``customer_id`` is the customer that they are."""

    permissions = fields.List(Text())
    devices = fields.List(fields.Nested(DeviceSchema))
    customer_id = WholeNumber(allow_none=True)


class PersonBodySchema(ShopSchema):
    """Name and language."""

    name = Text(minimum=1, maximum=120, required=True)
    locale = KnownLocale(required=True)


class UserChangeSchema(PersonBodySchema):
    """``version`` is the one that was read."""

    version = WholeNumber(low=1, required=True)


class NewUserSchema(PersonBodySchema):
    """An account; its owner gets a link to choose a password."""

    email = Email(required=True)
    role = Text(minimum=2, maximum=40, load_default="customer")


class RoleGiftSchema(ShopSchema):
    """A role by its code."""

    role = Text(minimum=2, maximum=40, required=True)


class RoleSchema(ShopSchema):
    """A role; ``own`` is false for those that came with the shop."""

    code = Text()
    name = Text()
    permissions = fields.List(Text())
    users = WholeNumber()
    version = WholeNumber()
    own = Flag()


class RoleListSchema(ShopSchema):
    """All roles, and all permissions that there are."""

    items = fields.List(fields.Nested(RoleSchema))
    permissions = fields.Dict(keys=fields.String(), values=fields.String())


class RoleBodySchema(ShopSchema):
    """A role as a whole; ``version`` is the one that was read, 0 for a new one."""

    name = Text(minimum=1, maximum=80, required=True)
    permissions = fields.List(Text(maximum=60), required=True, validate=validate.Length(max=100))
    version = WholeNumber(load_default=0)


class CustomerSchema(ShopSchema):
    """Somebody who buys; ``user_id`` is their account."""

    id = WholeNumber()
    user_id = WholeNumber(allow_none=True)
    email = Text()
    name = Text()
    locale = Text()
    created_at = Text()
    orders = WholeNumber()


class CustomerListSchema(ShopSchema):
    """Customers, newest first; ``next`` is the address of those before them."""

    items = fields.List(fields.Nested(CustomerSchema))
    next = Text(allow_none=True)


class CustomerRecordSchema(CustomerSchema):
    """A customer with the address book and the newest orders."""

    addresses = fields.List(fields.Dict())
    newest_orders = fields.List(fields.Dict())


class NewCustomerSchema(PersonBodySchema):
    """A customer without an account."""

    email = Email(required=True)
