"""The forms of staff about people."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import wtforms
from flask import current_app
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

from shop.auth.permissions import PERMISSIONS
from shop.people.queries import list_roles
from shop.web.context import language_name
from shop.web.fields import ChoiceField, EmailField, InputRequired, IntegerField, ShopForm, TextField


class PressForm(ShopForm):
    """One press."""


class PersonForm(ShopForm):
    """Name and language of somebody. ``version`` is what was seen."""

    name = TextField(_l("Name"), [InputRequired(_l("Write a name."))], minimum=1, maximum=120)
    locale = ChoiceField(_l("Language"))
    version = IntegerField(_l("This page"), optional=True, widget=wtforms.widgets.HiddenInput())

    def offer(self) -> None:
        self.locale.choices = [(code, language_name(code)) for code in current_app.extensions["config"].locales]


class RoleGift(ShopForm):
    """The role that somebody gets."""

    role = ChoiceField(_l("Role"))

    def offer(self) -> None:
        self.role.choices = [(role.code, role.name) for role in list_roles()]


class NewUserForm(PersonForm, RoleGift):
    """An account that staff make. Its owner sets the password."""

    email = EmailField(_l("E-mail"), [InputRequired(_l("Write an e-mail."))])

    def offer(self) -> None:
        PersonForm.offer(self)
        RoleGift.offer(self)


class NewCustomerForm(PersonForm):
    """A customer without an account."""

    email = EmailField(_l("E-mail"), [InputRequired(_l("Write an e-mail."))])


class GroupForm(ShopForm):
    """A group of customers."""

    code = TextField(_l("Code"), [InputRequired(_l("Write a code."))], minimum=1, maximum=40)
    name = TextField(_l("Name"), [InputRequired(_l("Write a name."))], minimum=1, maximum=120)


class MemberForm(ShopForm):
    """Who comes into a group."""

    email = EmailField(_l("E-mail"), [InputRequired(_l("Write an e-mail."))])


class PermissionsField(wtforms.Field):
    """Permissions to tick; ``data`` are their names."""

    def process_formdata(self, valuelist: list[str]) -> None:
        self.data = [name for name in PERMISSIONS if name in valuelist]
        if len(self.data) < len(set(valuelist)):
            raise ValueError(_("One of the permissions does not exist."))

    @property
    def choices(self) -> Iterable[tuple[str, Any]]:
        return PERMISSIONS.items()


class RoleForm(ShopForm):
    """A role of the shop's own."""

    name = TextField(_l("Name"), [InputRequired(_l("Write a name."))], minimum=1, maximum=80)
    permissions = PermissionsField(_l("May"))
    version = IntegerField(_l("This page"), optional=True, widget=wtforms.widgets.HiddenInput())


class NewRoleForm(RoleForm):
    """A new role with its code, which never changes."""

    code = TextField(_l("Code"), [InputRequired(_l("Write a code."))], minimum=2, maximum=40)
