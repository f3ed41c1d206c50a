"""The forms of what belongs to a product: variants, options, pictures, attributes."""

from __future__ import annotations

from typing import Any

import wtforms
from flask import current_app
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_wtf.file import MultipleFileField

from shop.catalog.models import AttributeKind
from shop.catalog.services import ValueWanted
from shop.catalog.staff_forms.base import SeenForm, SwatchField, locales, made, spoken
from shop.catalog.staff_product import StaffAttribute, StaffOption, StaffProduct, StaffVariant, name_of
from shop.inventory.services import MOST_ON_HAND
from shop.web.fields import ChoiceField, IntegerField, MoneyField, ShopForm, TextField, TickField

MOST_LOW_AT = 1_000_000
MOST_WEIGHT_G = 1_000_000_000
NEW_VALUES = 3
OPTION, ALT, PLACE, GONE, FACT = "option_", "alt_", "place_", "gone_", "fact_"


class ActForm(ShopForm):
    """One press on what was seen."""

    version = wtforms.HiddenField(_l("This page"))

    @property
    def seen_version(self) -> int | None:
        text = self.version.data or ""
        return int(text) if text.isascii() and text.isdecimal() and len(text) < 16 else None


class VariantForm(SeenForm):
    """What is bought. ``variant_form`` adds the options, the price and, for a new one, the stock."""

    sku = TextField(_l("SKU"), maximum=200, is_code=True)
    barcode = TextField(_l("Barcode"), maximum=100, is_code=True)
    weight_g = IntegerField(_l("Weight in grams"), low=0, high=MOST_WEIGHT_G)
    requires_shipping = TickField(_l("It is shipped"))
    picture = ChoiceField(_l("Picture"), choices=[], coerce=int)

    @property
    def value_ids(self) -> list[int]:
        return [field.data for field in self if field.name.startswith(OPTION)]

    @property
    def price_wanted(self) -> tuple[int, int | None] | None:
        """Now and former, in minor units."""
        now, former = self["price"].data, self["compare_at"].data
        return None if now is None else (now.minor, former.minor if former else None)

    @property
    def columns(self) -> dict[str, Any]:
        """What the verbs of variants take."""
        return {
            "sku": self.sku.data or "",
            "barcode": self.barcode.data or "",
            "weight_g": self.weight_g.data,
            "requires_shipping": bool(self.requires_shipping.data),
            "product_image_id": self.picture.data or None,
            "value_ids": self.value_ids,
        }

    def validate(self, extra_validators: Any = None) -> bool:
        is_valid = bool(super().validate(extra_validators))
        if is_valid and self["compare_at"].data is not None and self["price"].data is None:
            self["price"].errors = [_("Write the price of now, too.")]
            return False
        return is_valid


def variant_form(
    product: StaffProduct, variant: StaffVariant | None = None, *, chosen: dict[int, int] | None = None, fresh: bool = False
) -> VariantForm:
    """The form of a variant, or of a new one with these values chosen (option → value)."""
    currency = current_app.extensions["config"].currency
    has_price = variant is not None and variant.price is not None
    fields: dict[str, Any] = {
        f"{OPTION}{option.id}": ChoiceField(
            name_of(option), choices=[(0, _("Choose …")), *((value.id, name_of(value)) for value in option.values)], coerce=int
        )
        for option in product.options
    }
    fields["price"] = MoneyField(_("Price"), currency=currency, optional=not has_price)
    fields["compare_at"] = MoneyField(_("Price before"), currency=currency, optional=True)
    if variant is None:
        fields["on_hand"] = IntegerField(_("In stock"), low=0, high=MOST_ON_HAND, optional=True)
    form: VariantForm = made(VariantForm, fields, _variant_values(product, variant, chosen or {}), fresh=fresh)
    form.picture.choices = [
        (0, _("The main one")),
        *((picture.id, _("Picture %(place)s", place=place)) for place, picture in enumerate(product.pictures, 1)),
    ]
    if fresh:
        form.remember(variant.version if variant else 0)
    return form


def _variant_values(product: StaffProduct, variant: StaffVariant | None, chosen: dict[int, int]) -> dict[str, Any]:
    if variant is None:
        return {
            "requires_shipping": True,
            "weight_g": 0,
            "picture": 0,
            **{f"{OPTION}{option.id}": chosen.get(option.id, 0) for option in product.options},
        }
    return {
        "sku": variant.sku,
        "barcode": variant.barcode,
        "weight_g": variant.weight_g,
        "requires_shipping": variant.requires_shipping,
        "picture": variant.product_image_id or 0,
        "price": variant.price,
        "compare_at": variant.compare_at,
        **{f"{OPTION}{option.id}": variant.values.get(option.id, 0) for option in product.options},
    }


# Options


class OptionForm(SeenForm):
    """A choice and its values, a few empty rows for new ones at the end. A row whose first name is emptied is taken away."""

    keys: tuple[str, ...] = ()

    @property
    def names(self) -> dict[str, str]:
        return {locale: self[f"name_{locale}"].data or "" for locale in locales()}

    @property
    def values(self) -> list[ValueWanted]:
        rows = []
        for key in self.keys:
            names = {locale: self[f"value_{key}_{locale}"].data or "" for locale in locales()}
            if names[locales()[0]]:
                rows.append(ValueWanted(int(key) if key.isdecimal() else None, names, self[f"swatch_{key}"].data or ""))
        return rows


def option_form(option: StaffOption | None = None, *, version: int = 0, fresh: bool = False) -> OptionForm:
    """The form of an option, or of a new one."""
    names = {str(value.id): value for value in (option.values if option else ())}
    keys = (*names, *(f"new{place}" for place in range(1, NEW_VALUES + 1)))
    fields: dict[str, Any] = {"keys": keys}
    values: dict[str, Any] = {}
    for locale in locales():
        fields[f"name_{locale}"] = TextField(spoken(_("Name"), locale), maximum=100, minimum=1 if locale == locales()[0] else 0)
        values[f"name_{locale}"] = option.names.get(locale, "") if option else ""
    for place, key in enumerate(keys, 1):
        for locale in locales():
            fields[f"value_{key}_{locale}"] = TextField(spoken(_("Value %(place)s", place=place), locale), maximum=100)
            values[f"value_{key}_{locale}"] = names[key].names.get(locale, "") if key in names else ""
        fields[f"swatch_{key}"] = SwatchField(_("Color of value %(place)s", place=place), maximum=7)
        values[f"swatch_{key}"] = names[key].swatch if key in names else ""
    form: OptionForm = made(OptionForm, fields, values, fresh=fresh)
    if fresh:
        form.remember(version)
    return form


# Pictures


class UploadForm(ShopForm):
    """Pictures to put behind the others."""

    files = MultipleFileField(_l("Choose pictures"))


class PicturesForm(SeenForm):
    """The order of the pictures, what each shows, and which are taken off."""

    ids: tuple[int, ...] = ()

    @property
    def wanted(self) -> list[tuple[int, dict[str, str]]]:
        staying = [key for key in self.ids if not self[f"{GONE}{key}"].data]
        staying.sort(key=lambda key: self[f"{PLACE}{key}"].data)
        return [(key, {locale: self[f"{ALT}{key}_{locale}"].data or "" for locale in locales()}) for key in staying]


def pictures_form(product: StaffProduct, *, fresh: bool = False) -> PicturesForm:
    """The form of all pictures of a product."""
    fields: dict[str, Any] = {"ids": tuple(picture.id for picture in product.pictures)}
    values: dict[str, Any] = {}
    for place, picture in enumerate(product.pictures, 1):
        for locale in locales():
            fields[f"{ALT}{picture.id}_{locale}"] = TextField(spoken(_("What picture %(place)s shows", place=place), locale), maximum=500)
            values[f"{ALT}{picture.id}_{locale}"] = picture.alts.get(locale, "")
        fields[f"{PLACE}{picture.id}"] = IntegerField(_("Place of picture %(place)s", place=place), low=1, high=999)
        values[f"{PLACE}{picture.id}"] = place
        fields[f"{GONE}{picture.id}"] = TickField(_("Take picture %(place)s off", place=place))
    form: PicturesForm = made(PicturesForm, fields, values, fresh=fresh)
    if fresh:
        form.remember(product.version)
    return form


# Attributes


class FactsForm(SeenForm):
    """The properties of a product, one value per line; an empty one is taken away. One more can be added."""

    codes: tuple[str, ...] = ()
    more = ChoiceField(_l("One more"), choices=[])

    @property
    def facts(self) -> dict[str, dict[str, list[str]]]:
        found: dict[str, dict[str, list[str]]] = {}
        for code in self.codes:
            for locale in ("", *locales()):
                name = f"{FACT}{code}_{locale}"
                lines = [line.strip() for line in (self[name].data or "").split("\n") if line.strip()] if name in self else []
                if lines:
                    found.setdefault(code, {})[locale] = lines
        return found


def facts_form(product: StaffProduct, known: list[StaffAttribute], *, more: str = "", fresh: bool = False) -> FactsForm:
    """The form of a product's properties; ``more`` is the code of one to be added."""
    by_code = {attribute.code: attribute for attribute in known}
    codes = [code for code in dict.fromkeys([*product.facts, more]) if code in by_code]
    fields: dict[str, Any] = {"codes": tuple(codes)}
    values: dict[str, Any] = {}
    for code in codes:
        attribute, held = by_code[code], product.facts.get(code, {})
        words = f"{attribute.name} ({attribute.unit})" if attribute.unit else attribute.name
        is_spoken = attribute.kind is AttributeKind.TEXT
        for locale in ("", *(locales() if is_spoken else ())):
            label = spoken(words, locale) if locale else f"{words}, {_('every language')}" if is_spoken else words
            fields[f"{FACT}{code}_{locale}"] = TextField(label, maximum=5000, multiline=True)
            values[f"{FACT}{code}_{locale}"] = "\n".join(held.get(locale, []))
    form: FactsForm = made(FactsForm, fields, values, fresh=fresh)
    form.more.choices = [("", _("No other")), *((one.code, one.name) for one in known if one.code not in codes)]
    if fresh:
        form.more.data = ""
        form.remember(product.version)
    return form
