"""Forms of the account. All carry the token of a logged-in session."""

from __future__ import annotations

from flask_babel import lazy_gettext as _l

from shop.auth.forms import FILL
from shop.auth.passwords import LONGEST, SHORTEST
from shop.web.fields import InputRequired, PasswordField, ShopForm, TextField


class ButtonForm(ShopForm):
    """A button that does something: nothing but the token."""


class ProfileForm(ShopForm):
    """How the shop speaks to somebody."""

    name = TextField(_l("Name"), [InputRequired(FILL)], minimum=1, maximum=120)


class PasswordForm(ShopForm):
    """A new password, by whoever knows the one of today."""

    current = PasswordField(_l("Your password of today"), [InputRequired(FILL)])
    new = PasswordField(_l("New password"), [InputRequired(FILL)], minimum=SHORTEST, maximum=LONGEST)
