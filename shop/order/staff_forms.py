"""What staff sends about orders. Every form says what its page had seen: the version of the order, and the newest entry of its timeline."""

from __future__ import annotations

import re
from typing import Any

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from wtforms import HiddenField
from wtforms.validators import ValidationError

from shop.order.queries import OrderView
from shop.web.fields import IntegerField, ShopForm, TextField, UrlField

SEEN = re.compile(r"(\d{1,15})-(\d{1,15})")
PIECES = "pieces-"


def seen_of(order: OrderView) -> str:
    """What a page about this order has seen: ``7-42``."""
    return f"{order.version}-{max((entry.id for entry in order.entries), default=0)}"


class ActForm(ShopForm):
    """One press on what was seen."""

    seen = HiddenField(_l("This page"))

    def validate_seen(self, field: HiddenField) -> None:
        if not SEEN.fullmatch(field.data or ""):
            raise ValidationError(str(_("Open the order again and press there.")))

    @property
    def version(self) -> int:
        return self._seen(1)

    @property
    def newest_entry(self) -> int:
        return self._seen(2)

    def _seen(self, place: int) -> int:
        match = SEEN.fullmatch(self.seen.data or "")
        return int(match[place]) if match else 0


class CancellationForm(ActForm):
    """Why an order is canceled; the customer does not read it."""

    note = TextField(_l("Why"), maximum=500)


class NoteForm(ShopForm):
    """A note for the team."""

    note = TextField(_l("Note for the team"), maximum=2000, minimum=1, multiline=True)


class ParcelForm(ActForm):
    """A parcel: who carries it, and how to follow it. ``parcel_form`` adds a field per line."""

    carrier = TextField(_l("Carrier"), maximum=60)
    tracking_number = TextField(_l("Tracking number"), maximum=100, is_code=True)
    tracking_url = UrlField(_l("Tracking address"))

    @property
    def pieces(self) -> list[tuple[int, int]]:
        """(order line, quantity) of what is in the parcel."""
        return [(int(field.name.removeprefix(PIECES)), field.data) for field in self if field.name.startswith(PIECES) and field.data]

    def validate(self, extra_validators: Any = None) -> bool:
        is_valid = super().validate(extra_validators)
        if is_valid and not self.pieces:
            self.form_errors.append(_("Put at least one piece into the parcel."))
            return False
        return bool(is_valid)


def parcel_form(order: OrderView, *, fresh: bool = False) -> ParcelForm:
    """The form of the next parcel of this order; ``fresh`` fills in all that is left."""
    fields: dict[str, Any] = {}
    for line in order.lines:
        if left := line.left:
            fields[f"{PIECES}{line.id}"] = IntegerField(
                _("Pieces of %(name)s in this parcel", name=line.name), low=0, high=left, default=left
            )
    form_class = type("ParcelFormOfOrder", (ParcelForm,), fields)
    form: ParcelForm = form_class(formdata=None, seen=seen_of(order)) if fresh else form_class()
    return form
