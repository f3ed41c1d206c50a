"""What staff sends to change an order: pieces per line, goods that come new, another address, and why."""

from __future__ import annotations

from typing import Any

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from wtforms.validators import ValidationError

from shop.customer.addresses import WrongAddress, clean_address
from shop.customer.values import AddressValues
from shop.order.changes.queries import find_variant_by_sku
from shop.order.changes.services import Edit
from shop.order.queries import OrderView
from shop.order.reckoning import reckon_lines
from shop.order.staff_forms import PIECES, ActForm, seen_of
from shop.web.fields import IntegerField, TextField

ADDRESS_FIELDS = ("name", "company", "line1", "line2", "postcode", "city", "region", "phone")


class EditForm(ActForm):
    """``edit_form`` adds a field per line."""

    sku = TextField(_l("SKU to add"), maximum=100)
    added_pieces = IntegerField(_l("Pieces to add"), low=1, high=9999, optional=True)
    name = TextField(_l("Name"), maximum=200)
    company = TextField(_l("Company"), maximum=200)
    line1 = TextField(_l("Street and number"), maximum=200)
    line2 = TextField(_l("Address, second line"), maximum=200)
    postcode = TextField(_l("Postcode"), maximum=20)
    city = TextField(_l("City"), maximum=100)
    region = TextField(_l("Region"), maximum=100)
    phone = TextField(_l("Phone"), maximum=40)
    reason = TextField(_l("Why"), maximum=500)
    order: OrderView
    variant_id: int | None = None
    address: AddressValues | None = None

    def validate_sku(self, field: TextField) -> None:
        if not field.data:
            return
        self.variant_id = find_variant_by_sku(field.data)
        if self.variant_id is None:
            raise ValidationError(str(_("No goods, or more than one, have this SKU.")))

    def validate(self, extra_validators: Any = None) -> bool:
        is_valid = super().validate(extra_validators)
        before = self.order.shipping_address
        if is_valid and before is not None:
            given = {name: self[name].data or "" for name in ADDRESS_FIELDS}
            if given != {name: getattr(before, name) for name in ADDRESS_FIELDS}:
                return self._check_address({**given, "country": before.country})
        return bool(is_valid)

    def _check_address(self, given: dict[str, str]) -> bool:
        try:
            self.address = clean_address(given, countries=[given["country"]])
        except WrongAddress as wrong:
            for name, message in wrong.errors.items():
                if name in ADDRESS_FIELDS:
                    self[name].errors = [*self[name].errors, message]
                else:
                    self.form_errors.append(message)
            return False
        return True

    @property
    def edit(self) -> Edit:
        """What is to be different."""
        pieces = {
            int(field.name.removeprefix(PIECES)): field.data for field in self if field.name.startswith(PIECES) and field.data is not None
        }
        added = [(self.variant_id, self.added_pieces.data or 1)] if self.variant_id else []
        return Edit(pieces=pieces, added=added, address=self.address, reason=self.reason.data or "")


def edit_form(order: OrderView, *, fresh: bool = False) -> EditForm:
    """The form of this order, filled in as it stands."""
    fields: dict[str, Any] = {"order": order}
    accounts = reckon_lines(order.id)
    for line in order.lines:
        low = line.quantity - accounts[line.id].may_cancel
        fields[f"{PIECES}{line.id}"] = IntegerField(
            _("Pieces of %(name)s", name=line.name), low=low, high=line.quantity, default=line.quantity
        )
    form_class = type("EditFormOfOrder", (EditForm,), fields)
    known = {name: getattr(order.shipping_address, name) for name in ADDRESS_FIELDS} if order.shipping_address else {}
    form: EditForm = form_class(formdata=None, seen=seen_of(order), **known) if fresh else form_class()
    return form
