"""What customers and staff send about returns."""

from __future__ import annotations

from typing import Any

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from wtforms import HiddenField

from shop.money import Money
from shop.order.queries import OrderView
from shop.order.returns.models import ReturnReason
from shop.order.returns.queries import Returnable, ReturnView
from shop.order.returns.states import REASONS
from shop.order.staff_forms import ActForm, seen_of
from shop.web.fields import ChoiceField, IntegerField, MoneyField, ShopForm, TextField

PIECES, CAME, SHELF = "pieces-", "came-", "shelf-"


def pieces_in(form: Any, prefix: str) -> dict[int, int]:
    """Pieces by line from the fields that begin with ``prefix``."""
    return {int(field.name.removeprefix(prefix)): field.data for field in form if field.name.startswith(prefix) and field.data is not None}


class ReturnForm(ShopForm):
    """What is sent back, and why. ``return_form`` adds a field per line."""

    key = HiddenField("")
    reason = ChoiceField(_l("Why?"), choices=list(REASONS.items()), coerce=ReturnReason, default=ReturnReason.WITHDRAWAL)
    note = TextField(_l("What should we know?"), maximum=1000, multiline=True)

    @property
    def pieces(self) -> list[tuple[int, int]]:
        """(order line, quantity) of what is sent back."""
        return [(line_id, count) for line_id, count in pieces_in(self, PIECES).items() if count]

    def validate(self, extra_validators: Any = None) -> bool:
        is_valid = super().validate(extra_validators)
        if is_valid and not self.pieces:
            self.form_errors.append(_("Choose at least one piece."))
            return False
        return bool(is_valid)


class StaffReturnForm(ReturnForm, ActForm):
    """The same, written down by staff for a customer who called."""


class KeyForm(ShopForm):
    """One press by whoever holds the link."""

    key = HiddenField("")


class DecisionForm(ActForm):
    """Approve a return or refuse it; the answer is what the customer reads."""

    answer = TextField(_l("Answer to the customer"), maximum=1000, multiline=True)


class ReceiptForm(ActForm):
    """What came, what goes to the shelf, how much goes back. ``receipt_form`` adds two fields per line and the amount."""

    answer = TextField(_l("Answer to the customer"), maximum=1000, multiline=True)

    @property
    def received(self) -> dict[int, tuple[int, int]]:
        shelf = pieces_in(self, SHELF)
        return {line_id: (count, shelf.get(line_id, 0)) for line_id, count in pieces_in(self, CAME).items()}

    def validate(self, extra_validators: Any = None) -> bool:
        is_valid = super().validate(extra_validators)
        if is_valid and any(shelf > came for came, shelf in self.received.values()):
            self.form_errors.append(_("Not more can go to the shelf than came."))
            return False
        if is_valid and not any(came for came, _shelf in self.received.values()):
            self.form_errors.append(_("Say which pieces came."))
            return False
        return bool(is_valid)


def return_form(order: OrderView, allowed: Returnable, *, base: type[ReturnForm] = ReturnForm, fresh: bool = False) -> ReturnForm:
    """The form with a quantity for each line that can come back."""
    fields: dict[str, Any] = {
        f"{PIECES}{line.id}": IntegerField(_("Pieces of %(name)s", name=line.name), low=0, high=allowed.pieces[line.id], default=0)
        for line in order.lines
        if line.id in allowed.pieces
    }
    form_class = type("ReturnFormOfOrder", (base,), fields)
    seen = {"seen": seen_of(order)} if issubclass(base, ActForm) else {}
    form: ReturnForm = form_class(formdata=None, **seen) if fresh else form_class()
    return form


def receipt_form(order: OrderView, request: ReturnView, worth: Money, *, fresh: bool = False) -> ReceiptForm:
    """The form of what arrived; fresh, it says that all of it came, is as new, and is paid back."""
    fields: dict[str, Any] = {}
    for line in request.lines:
        count = line.quantity
        fields[f"{CAME}{line.order_line_id}"] = IntegerField(
            _("Pieces of %(name)s that came", name=line.name), low=0, high=count, default=count
        )
        fields[f"{SHELF}{line.order_line_id}"] = IntegerField(
            _("Pieces of %(name)s for the shelf", name=line.name), low=0, high=count, default=count
        )
    fields["refund"] = MoneyField(_("Goes back to the customer"), currency=worth.currency, low=0, high=order.total.minor)
    form_class = type("ReceiptFormOfReturn", (ReceiptForm,), fields)
    form: ReceiptForm = form_class(formdata=None, seen=seen_of(order), refund=worth) if fresh else form_class()
    return form
