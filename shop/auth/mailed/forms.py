"""Forms around a link in a mail."""

from __future__ import annotations

from flask_babel import lazy_gettext as _l

from shop.auth.forms import DoorForm
from shop.auth.passwords import LONGEST, SHORTEST
from shop.web.fields import EmailField, InputRequired, PasswordField, TextField


class RegisterForm(DoorForm):
    """What an account needs."""

    name = TextField(_l("Name"), [InputRequired(_l("Write your name."))], minimum=1, maximum=120)
    email = EmailField(_l("E-mail"), [InputRequired(_l("Write your e-mail address."))])
    password = PasswordField(_l("Password"), [InputRequired(_l("Choose a password."))], minimum=SHORTEST, maximum=LONGEST)


class ButtonForm(DoorForm):
    """A button that does something."""


class ConfirmForm(DoorForm):
    """The password that was chosen when registering."""

    password = PasswordField(_l("The password that you chose"), [InputRequired(_l("Write the password that you chose."))])


class ForgottenForm(DoorForm):
    """Whose password is forgotten."""

    email = EmailField(_l("E-mail"), [InputRequired(_l("Write your e-mail address."))])


class ResetForm(DoorForm):
    """A new password."""

    new = PasswordField(_l("New password"), [InputRequired(_l("Choose a new password."))], minimum=SHORTEST, maximum=LONGEST)
