"""The form of a product: its texts in every language, where it stands, when it is shown."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any, cast

import wtforms
from flask import current_app
from flask_babel import format_percent
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

from shop.catalog.staff_forms.base import MomentField, SeenForm, ShelvesField, locales, made, spoken
from shop.catalog.staff_product import StaffProduct
from shop.catalog.staff_queries import ProductState, StaffShelf
from shop.pricing.queries import tax_rates
from shop.web.fields import ChoiceField, TextField

MOST_TAGS = 50
TEXTS = ("name", "subtitle", "description_html", "slug", "seo_title", "seo_description")


class ProductForm(SeenForm):
    """How a product is described, sorted and published. ``product_form`` adds its texts in every language."""

    brand = TextField(_l("Brand"), maximum=200)
    tags = TextField(_l("Tags"), maximum=1000)
    tax_class = ChoiceField(_l("Tax"), choices=[])
    main_category = ChoiceField(_l("Main category"), choices=[], coerce=int)
    shown = wtforms.RadioField(_l("In the shop"), choices=[])
    shown_at = MomentField(_l("Day and time"), maximum=30)

    @property
    def texts(self) -> dict[str, dict[str, str]]:
        """What was written; a language whose name is empty shows the first language's texts, unless it had its own."""
        return {locale: {name: self[f"{name}_{locale}"].data or "" for name in TEXTS} for locale in locales()}

    @property
    def tag_list(self) -> list[str]:
        return [tag.strip() for tag in (self.tags.data or "").split(",") if tag.strip()]

    @property
    def category_ids(self) -> list[int]:
        """The main one first."""
        main = [self.main_category.data] if self.main_category.data else []
        return list(dict.fromkeys([*main, *(self["categories"].data or ())]))

    def validate_tags(self, field: TextField) -> None:  # noqa: ARG002 - WTForms hands it in
        if len(self.tag_list) > MOST_TAGS or any(len(tag) > 50 for tag in self.tag_list):
            raise wtforms.ValidationError(
                _("Use at most %(count)d tags of at most 50 characters, with commas between them.", count=MOST_TAGS)
            )

    def validate_shown_at(self, field: MomentField) -> None:
        if self.shown.data == "at" and field.data is None and not field.errors:
            raise wtforms.ValidationError(_("Say from when on it is shown."))

    def published_at(self, before: datetime | None, at: datetime) -> datetime | None:
        """From when on it shall be shown; what is shown already keeps its day."""
        if self.shown.data == "draft":
            return None
        if self.shown.data == "at":
            return cast("datetime | None", self.shown_at.data)
        return before if before is not None and before <= at else at


def product_form(shelves: Sequence[StaffShelf], product: StaffProduct | None = None, *, at: datetime, fresh: bool = False) -> ProductForm:
    """The form of a product, filled with what it is, or of a new one."""
    fields: dict[str, Any] = {}
    for locale in locales():
        first = locale == locales()[0]
        fields |= {
            f"name_{locale}": TextField(spoken(_("Name"), locale), maximum=500, minimum=1 if first else 0),
            f"subtitle_{locale}": TextField(spoken(_("One line under it"), locale), maximum=500),
            f"description_html_{locale}": TextField(spoken(_("Description"), locale), maximum=50_000, multiline=True),
            f"slug_{locale}": TextField(spoken(_("Address"), locale), maximum=100),
            f"seo_title_{locale}": TextField(spoken(_("Title for search engines"), locale), maximum=200),
            f"seo_description_{locale}": TextField(spoken(_("Sentence for search engines"), locale), maximum=500),
        }
    own = set(product.category_ids) if product else set()
    offered = [(shelf.id, shelf.trail) for shelf in shelves if not shelf.is_archived or shelf.id in own]
    fields["categories"] = ShelvesField(_("Also in"), choices=offered)
    form: ProductForm = made(ProductForm, fields, _values(product, at), fresh=fresh)
    form.main_category.choices = [(0, _("None")), *offered]
    form.tax_class.choices = _tax_classes(product, at)
    is_shown = product is not None and product.state in {ProductState.ON_SALE, ProductState.INCOMPLETE}
    now = _("Shown") if is_shown else _("Shown from now on")
    form.shown.choices = [("draft", _("Draft: nobody sees it")), ("now", now), ("at", _("Shown from a day on"))]
    if fresh:
        form.remember(product.version if product else 0)
    return form


def _values(product: StaffProduct | None, at: datetime) -> dict[str, Any]:
    if product is None:
        return {"shown": "draft", "tax_class": "standard", "main_category": 0}
    published_at, main, others = product.row.published_at, product.category_ids[:1], product.category_ids[1:]
    is_planned = published_at is not None and published_at > at
    return {
        **{f"{name}_{locale}": text[name] for locale, text in product.texts.items() for name in TEXTS},
        "brand": product.row.brand,
        "tags": ", ".join(product.tags),
        "tax_class": product.row.tax_class,
        "main_category": main[0] if main else 0,
        "categories": others,
        "shown": "draft" if published_at is None else "at" if is_planned else "now",
        "shown_at": published_at if is_planned else None,
    }


def _tax_classes(product: StaffProduct | None, at: datetime) -> list[tuple[str, str]]:
    known = {
        name: f"{name}, {format_percent(Decimal(rate_ppm) / 1_000_000, '#,##0.####%')}"
        for name, rate_ppm in tax_rates(_country(), at=at).items()
    }
    if product and product.row.tax_class not in known:
        known[product.row.tax_class] = product.row.tax_class
    return list(known.items())


def _country() -> str:
    return str(current_app.extensions["config"].country)
