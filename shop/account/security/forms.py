"""Forms about what guards an account."""

from __future__ import annotations

from flask_babel import lazy_gettext as _l

from shop.web.fields import InputRequired, ShopForm, TextField


class AppForm(ShopForm):
    """The first code that the app shows."""

    code = TextField(_l("The six digits that the app shows"), [InputRequired(_l("Write the six digits."))], minimum=1, maximum=20)


class NewPasskeyForm(ShopForm):
    """What the browser made, as JSON."""

    credential = TextField("", [InputRequired(_l("Your browser sent nothing. Try again."))], minimum=2, maximum=16_000)


class PasskeyNameForm(ShopForm):
    """What its owner calls it."""

    name = TextField(_l("Name"), [InputRequired(_l("Write a name."))], minimum=1, maximum=60)
