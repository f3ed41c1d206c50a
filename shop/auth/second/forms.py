"""The forms of the second step and of passkeys."""

from __future__ import annotations

from flask_babel import lazy_gettext as _l

from shop.auth.forms import DoorForm
from shop.web.fields import InputRequired, TextField


class CodeForm(DoorForm):
    """Six digits of the app, or a recovery code."""

    code = TextField(_l("Code"), [InputRequired(_l("Write the code."))], minimum=1, maximum=40)


class PasskeyForm(DoorForm):
    """What a passkey signed, as JSON. Filled by the script, from what the browser gave it."""

    credential = TextField("", [InputRequired(_l("Your browser sent nothing. Try again."))], minimum=2, maximum=16_000)
