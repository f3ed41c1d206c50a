"""The forms of categories and of stock."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_wtf.file import FileField

from shop.catalog.staff_forms.base import SeenForm, locales, made, spoken
from shop.catalog.staff_forms.parts import MOST_LOW_AT
from shop.catalog.staff_queries import StaffShelf
from shop.catalog.staff_stock import StockRow
from shop.inventory.models import Reason
from shop.inventory.services import MOST_BACKORDER, MOST_LEAD_DAYS, MOST_ON_HAND
from shop.web.fields import ChoiceField, IntegerField, ShopForm, TextField, TickField

MOST_PLACE = 1_000_000
COUNTED = "number_"
UNCOUNTED = "uncounted"
TEXTS = ("name", "slug", "sentence")


class ShelfForm(SeenForm):
    """A category: where it stands and its picture. ``shelf_form`` adds its texts in every language."""

    parent = ChoiceField(_l("Stands in"), choices=[], coerce=int)
    position = IntegerField(_l("Place among its neighbors"), low=0, high=MOST_PLACE, optional=True)
    picture = FileField(_l("Picture"))
    no_picture = TickField(_l("Take the picture off"))

    @property
    def texts(self) -> dict[str, dict[str, str]]:
        return {locale: {name: self[f"{name}_{locale}"].data or "" for name in TEXTS} for locale in locales()}


def shelf_form(shelves: Sequence[StaffShelf], shelf: StaffShelf | None = None, *, parent: int = 0, fresh: bool = False) -> ShelfForm:
    """The form of a category, or of a new one below ``parent``."""
    fields: dict[str, Any] = {}
    for locale in locales():
        fields[f"name_{locale}"] = TextField(spoken(_("Name"), locale), maximum=200, minimum=1 if locale == locales()[0] else 0)
        fields[f"slug_{locale}"] = TextField(spoken(_("Address"), locale), maximum=100)
        fields[f"sentence_{locale}"] = TextField(spoken(_("One sentence about it"), locale), maximum=500)
    values: dict[str, Any] = {"parent": parent, "position": None}
    if shelf:
        values = {"parent": shelf.row.parent_id or 0, "position": shelf.row.position}
        values |= {f"{name}_{locale}": text[name] for locale, text in shelf.texts.items() for name in TEXTS}
    form: ShelfForm = made(ShelfForm, fields, values, fresh=fresh)
    form.parent.choices = [(0, _("The top")), *((one.id, one.trail) for one in shelves if _may_hold(one, shelf))]
    if fresh:
        form.remember(shelf.row.version if shelf else 0)
    return form


def _may_hold(above: StaffShelf, shelf: StaffShelf | None) -> bool:
    """Not itself, not one below it; an archived one only where it stands already."""
    if shelf is None:
        return not above.is_archived
    is_below = f"/{shelf.id}/" in f"/{above.row.path}/"
    return not is_below and (not above.is_archived or above.id == shelf.row.parent_id)


def reasons() -> list[tuple[str, str]]:
    """Why stock is changed by hand, and what the number means then."""
    return [
        (Reason.COUNT.value, _("Counted: so many are there")),
        (Reason.DELIVERY.value, _("Delivered: so many came in")),
        (Reason.CORRECTION.value, _("Corrected: so many are there")),
    ]


class CountForm(ShopForm):
    """Numbers of many variants, for one reason."""

    reason = ChoiceField(_l("Reason"), choices=[])

    @property
    def numbers(self) -> dict[int, int]:
        """By variant; those left empty are left alone."""
        return {
            int(field.name.removeprefix(COUNTED)): field.data for field in self if field.name.startswith(COUNTED) and field.data is not None
        }


def count_form(items: Sequence[StockRow], *, fresh: bool = False) -> CountForm:
    """The form of a page of stock."""
    fields: dict[str, Any] = {}
    for item in items:
        words = " · ".join(part for part in (item.variant.name, item.words, item.variant.sku) if part)
        fields[f"{COUNTED}{item.variant.id}"] = IntegerField(
            _("Number of %(variant)s", variant=words), low=0, high=MOST_ON_HAND, optional=True
        )
    form: CountForm = made(CountForm, fields, {"reason": Reason.COUNT.value}, fresh=fresh)
    form.reason.choices = reasons()
    return form


class StockForm(ShopForm):
    """The stock of one variant."""

    number = IntegerField(_l("Pieces"), low=0, high=MOST_ON_HAND, optional=True)
    reason = ChoiceField(_l("Reason"), choices=[])
    low_at = IntegerField(_l("Few from this number on"), low=0, high=MOST_LOW_AT)
    backorder_to = IntegerField(_l("Sell so many more than there are"), low=0, high=MOST_BACKORDER, optional=True)
    lead_days = IntegerField(_l("These ship in about so many days"), low=0, high=MOST_LEAD_DAYS, optional=True)

    def validate(self, extra_validators: Any = None) -> bool:
        is_valid = bool(super().validate(extra_validators))
        if is_valid and self.number.data is None and self.reason.data == Reason.DELIVERY:
            self.number.errors = [_("Say how many came in.")]
            return False
        return is_valid


def _values(item: StockRow) -> dict[str, Any]:
    variant = item.variant
    return {
        "low_at": variant.low_at,
        "reason": Reason.COUNT.value,
        "backorder_to": variant.backorder_to,
        "lead_days": variant.lead_days,
    }


def stock_form(item: StockRow, *, fresh: bool = False) -> StockForm:
    """The form of one variant's stock."""
    form: StockForm = made(StockForm, {}, _values(item), fresh=fresh)
    form.reason.choices = [*reasons(), (UNCOUNTED, _("Nobody counts it: it never sells out"))]
    return form
