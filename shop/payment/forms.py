"""What customers send when they pay, and what staff sends about money."""

from __future__ import annotations

import re
import secrets
from collections.abc import Mapping
from typing import Any

from flask import current_app
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_wtf.file import FileField, FileRequired
from wtforms import HiddenField, RadioField

from shop.order.queries import OrderView
from shop.order.reckoning import LineAccount
from shop.payment.queries import gateways
from shop.web.fields import IntegerField, MoneyField, ShopForm, TextField, TickField

PIECES = "pieces-"
PRESS = re.compile(r"[A-Za-z0-9_-]{16,64}")


class PayForm(ShopForm):
    """Pay an order that is not paid yet, by the same or another method. ``key`` is the one of the order's link."""

    key = HiddenField("")
    payment_method = RadioField(_l("How do you pay?"), validate_choice=False)

    def __init__(self, *args: object, **kwargs: object) -> None:
        super().__init__(*args, **kwargs)
        self.payment_method.choices = [(code, gateway.name) for code, gateway in gateways().items()]


class RefundForm(ShopForm):
    """So many pieces, an amount beside them, or both; ``press`` makes two clicks one refund. ``refund_form`` adds a field per line."""

    press = HiddenField("")
    amount = MoneyField(_l("Amount beside the pieces"), currency=lambda: current_app.extensions["config"].currency, optional=True)
    restocks = TickField(_l("The pieces are back on the shelf"))
    reason = TextField(_l("Why"), maximum=200)

    @property
    def pieces(self) -> dict[int, int]:
        """Pieces by order line."""
        return {int(field.name.removeprefix(PIECES)): field.data for field in self if field.name.startswith(PIECES) and field.data}

    @property
    def amount_minor(self) -> int:
        return int(self.amount.data.minor) if self.amount.data else 0

    def validate(self, extra_validators: Any = None) -> bool:
        is_valid = super().validate(extra_validators)
        if is_valid and not PRESS.fullmatch(self.press.data or ""):
            self.form_errors.append(_("Open the order again and press there."))
            return False
        if is_valid and not self.pieces and not self.amount_minor:
            self.form_errors.append(_("Say how much goes back, or which pieces."))
            return False
        return bool(is_valid)


def refund_form(order: OrderView, accounts: Mapping[int, LineAccount], *, fresh: bool = False) -> RefundForm:
    """The form of a refund, with a field for each line of which pieces are left to be paid back."""
    fields: dict[str, Any] = {}
    for line in order.lines:
        if left := accounts[line.id].may_refund:
            fields[f"{PIECES}{line.id}"] = IntegerField(_("Pieces of %(name)s", name=line.name), low=0, high=left, default=0)
    made = type("RefundFormOfOrder", (RefundForm,), fields)
    form: RefundForm = made(formdata=None, press=secrets.token_urlsafe(18)) if fresh else made()
    return form


class TransfersForm(ShopForm):
    """The list of the shop's account, as the bank gives it."""

    list = FileField(_l("The bank’s list (CSV or camt.053)"), validators=[FileRequired(_l("Choose a file."))])


class TransferForm(ShopForm):
    """Whose money a transfer is; or why it is laid aside."""

    number = TextField(_l("Order number"), maximum=20)
    note = TextField(_l("Why"), maximum=200)
