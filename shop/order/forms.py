"""What customers send about orders that they have placed."""

from __future__ import annotations

from flask_babel import lazy_gettext as _l
from wtforms import HiddenField

from shop.web.fields import EmailField, InputRequired, ShopForm, TextField


class FindOrderForm(ShopForm):
    """Number and e-mail: both must be right."""

    number = TextField(_l("Order number"), [InputRequired(_l("Write the number, such as B7K4-4QX2."))], maximum=20, minimum=1)
    email = EmailField(_l("E-mail"), [InputRequired()])


class CancelForm(ShopForm):
    """``key`` is the one of the order's link."""

    key = HiddenField("")
    note = TextField(_l("Why? You need not say."), maximum=500)
