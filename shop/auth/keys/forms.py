"""The form of a new key."""

from __future__ import annotations

from typing import Any

import wtforms
from flask_babel import lazy_gettext as _l

from shop.auth.keys.services import LONGEST_DAYS, grantable
from shop.auth.permissions import PERMISSIONS
from shop.errors import Invalid
from shop.web.fields import InputRequired, IntegerField, ShopForm, TextField


class PermissionsField(wtforms.SelectMultipleField):
    """Boxes to tick. What nobody offered is refused by the service, which says so."""

    validate_choice = False

    def pre_validate(self, form: Any) -> None:
        """Left to the service."""


class KeyForm(ShopForm):
    """What a program is called, what it may, and how long. Make it by ``key_form``."""

    name = TextField(_l("Name of the program"), [InputRequired(_l("Write what the key is for."))], minimum=1, maximum=80)
    days = IntegerField(_l("Days until it ends"), low=1, high=LONGEST_DAYS)
    permissions = PermissionsField(_l("What it may do"))

    def show_errors(self, problem: Invalid) -> None:
        """Put what the service found wrong at the fields."""
        for pointer, messages in problem.errors.items():
            self[pointer.strip("/")].errors = list(messages)


def key_form(may: frozenset[str], *, fresh: bool = False) -> KeyForm:
    """The form with the permissions that this maker can give."""
    form = KeyForm(formdata=None, days=365) if fresh else KeyForm()
    form.permissions.choices = [(name, PERMISSIONS[name]) for name in grantable(may)]
    return form


class RevokeForm(ShopForm):
    """A button: nothing but the token."""
