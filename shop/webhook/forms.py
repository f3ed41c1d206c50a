"""The form of an address, and buttons."""

from __future__ import annotations

from flask_babel import lazy_gettext as _l

from shop.errors import Invalid
from shop.web.fields import InputRequired, IntegerField, ShopForm, TextField, UrlField


class EndpointForm(ShopForm):
    """Where to, and which events: patterns with spaces or lines between."""

    url = UrlField(_l("Address"), [InputRequired(_l("Write an address that begins with https://."))])
    kinds = TextField(_l("Events"), [InputRequired(_l("Name the events."))], maximum=2000, minimum=1, multiline=True)
    note = TextField(_l("What it is for"), maximum=120)

    @property
    def values(self) -> dict[str, object]:
        """As services take them."""
        return {"url": self.url.data or "", "kinds": (self.kinds.data or "").split(), "note": self.note.data or ""}

    def show_errors(self, problem: Invalid) -> None:
        """Put what the service found wrong at the fields."""
        for pointer, messages in problem.errors.items():
            self[pointer.strip("/")].errors = list(messages)


class ButtonForm(ShopForm):
    """One press."""


class DeliveryForm(ShopForm):
    """One press, for one delivery."""

    delivery_id = IntegerField(low=1)
