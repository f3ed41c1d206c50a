"""Forms at the door. They carry no token: the origin check guards them, and a page left open for days still works."""

from __future__ import annotations

from flask_babel import lazy_gettext as _l
from wtforms import HiddenField

from shop.errors import Invalid
from shop.web.fields import EmailField, InputRequired, PasswordField, ShopForm, TickField


class DoorForm(ShopForm):
    """A form for people who are not logged in, or log in again."""

    class Meta(ShopForm.Meta):
        csrf = False

    next = HiddenField()


class LoginForm(DoorForm):
    """Address and password."""

    email = EmailField(_l("E-mail"), [InputRequired(_l("Write your e-mail address."))])
    password = PasswordField(_l("Password"), [InputRequired(_l("Write your password."))])
    is_remembered = TickField(_l("Stay logged in on this device"))


def show_errors(form: ShopForm, problem: Invalid) -> None:
    """Put what a service found wrong at the fields of the form that sent it."""
    for pointer, messages in problem.errors.items():
        name = pointer.strip("/")
        if name in form:
            form[name].errors = [*form[name].errors, *messages]
        else:
            form.form_errors.extend(messages)
