"""What customers send when they pay."""

from __future__ import annotations

from flask_babel import lazy_gettext as _l
from wtforms import HiddenField, RadioField

from shop.payment.queries import gateways
from shop.web.fields import ShopForm


class PayForm(ShopForm):
    """Pay an order that is not paid yet, by the same or another method. ``key`` is the one of the order's link."""

    key = HiddenField("")
    payment_method = RadioField(_l("How do you pay?"), validate_choice=False)

    def __init__(self, *args: object, **kwargs: object) -> None:
        super().__init__(*args, **kwargs)
        self.payment_method.choices = [(code, gateway.name) for code, gateway in gateways().items()]
