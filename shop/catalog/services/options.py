"""The verbs of options and their values: what a product lets its buyer choose."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import NamedTuple

from flask_babel import gettext as _
from sqlalchemy import delete, func, insert, select, update
from sqlalchemy.orm import InstrumentedAttribute

from shop.catalog.listing import refresh_listing
from shop.catalog.models import Option, OptionText, OptionValue, OptionValueText, VariantOption
from shop.catalog.services.core import KEEP, Keep, claim_product, locales
from shop.catalog.slugs import numbered, slugify
from shop.db import transaction
from shop.errors import Conflict, Invalid, NotFound
from shop.settings.services import touch_topic

Names = Mapping[str, str]  # {"en": "Color", "es": "Color"}


class ValueWanted(NamedTuple):
    """A value as it shall be; a new one has no id yet."""

    id: int | None
    names: Names
    swatch: str = ""


def add_option(
    product_id: int, names: Names, values: Sequence[Names | ValueWanted] = (), *, expected_version: int | None = None, at: datetime
) -> int:
    """Offer one more choice; gives the option's id. Variants that exist have no value for it until they are given one."""
    with transaction() as session:
        claim_product(product_id, expected_version, at=at)
        taken = set(session.scalars(select(Option.code).where(Option.product_id == product_id)))
        option = Option(product_id=product_id, position=len(taken), code=_free(slugify(_default(names), "option"), taken))
        session.add(option)
        session.flush()
        session.execute(insert(OptionText), _names("option_id", option.id, names))
        for value in values:
            wanted = value if isinstance(value, ValueWanted) else ValueWanted(None, value)
            add_option_value(option.id, wanted.names, swatch=wanted.swatch, at=at)
        return option.id


def rename_option(option_id: int, names: Names, *, at: datetime) -> None:
    """Name the option otherwise; its code, which links and imports use, stays."""
    with transaction():
        claim_product(_product_of(option_id), at=at)
        _rename(OptionText, OptionText.option_id, option_id, names)
        touch_topic("catalog")


def shape_option(option_id: int, names: Names, values: Sequence[ValueWanted], *, expected_version: int | None = None, at: datetime) -> None:
    """Give the option these names and exactly these values, in this order; values that are not named are taken away.

    Raises:
        Conflict: a variant still has a value that is not named.
        NotFound: a value is not one of this option's.
        StaleVersion: the product was changed meanwhile.
    """
    _default(names)
    with transaction() as session:
        claim_product(_product_of(option_id), expected_version, at=at)
        rename_option(option_id, names, at=at)
        there = set(session.scalars(select(OptionValue.id).where(OptionValue.option_id == option_id)))
        named = {value.id for value in values if value.id is not None}
        if not named <= there:
            raise NotFound(_("This value does not exist any more."))
        for key in sorted(there - named):
            remove_option_value(key, at=at)
        for place, value in enumerate(values):
            _default(value.names)
            key = value.id or add_option_value(option_id, value.names, at=at)
            change_option_value(key, names=value.names, swatch=value.swatch, position=place, at=at)


def add_option_value(option_id: int, names: Names, *, swatch: str = "", at: datetime) -> int:
    """Add a value, such as one more color; gives its id."""
    with transaction() as session:
        product_id = _product_of(option_id)
        claim_product(product_id, at=at)
        taken = set(session.scalars(select(OptionValue.code).where(OptionValue.option_id == option_id)))
        last = session.scalars(select(func.max(OptionValue.position)).where(OptionValue.option_id == option_id)).one()
        value = OptionValue(
            option_id=option_id,
            position=0 if last is None else last + 1,
            code=_free(slugify(_default(names), "value"), taken),
            swatch=swatch,
        )
        session.add(value)
        session.flush()
        session.execute(insert(OptionValueText), _names("value_id", value.id, names))
        refresh_listing([product_id], at=at)
        return value.id


def change_option_value(
    value_id: int, *, names: Names | None = None, swatch: str | Keep = KEEP, position: int | Keep = KEEP, at: datetime
) -> None:
    """Change a value's names, swatch or place; its code stays."""
    with transaction() as session:
        option_id = session.scalars(select(OptionValue.option_id).where(OptionValue.id == value_id)).first()
        if option_id is None:
            raise NotFound(_("This value does not exist any more."))
        product_id = _product_of(option_id)
        claim_product(product_id, at=at)
        _rename(OptionValueText, OptionValueText.value_id, value_id, names or {})
        columns = {name: value for name, value in (("swatch", swatch), ("position", position)) if value is not KEEP}
        if columns:
            session.execute(update(OptionValue).where(OptionValue.id == value_id).values(**columns))
        refresh_listing([product_id], at=at)


def remove_option(option_id: int, *, at: datetime) -> None:
    """Take a choice away.

    Raises:
        Conflict: variants still differ by it.
    """
    with transaction() as session:
        product_id = _product_of(option_id)
        claim_product(product_id, at=at)
        if session.scalars(select(VariantOption.variant_id).where(VariantOption.option_id == option_id).limit(1)).first() is not None:
            raise Conflict(_("Variants still use this option. Archive or change them first."))
        session.execute(delete(Option).where(Option.id == option_id), execution_options={"synchronize_session": False})


def remove_option_value(value_id: int, *, at: datetime) -> None:
    """Take a value away.

    Raises:
        Conflict: a variant still has it.
    """
    with transaction() as session:
        option_id = session.scalars(select(OptionValue.option_id).where(OptionValue.id == value_id)).first()
        if option_id is None:
            raise NotFound(_("This value does not exist any more."))
        claim_product(_product_of(option_id), at=at)
        if session.scalars(select(VariantOption.variant_id).where(VariantOption.value_id == value_id).limit(1)).first() is not None:
            raise Conflict(_("Variants still use this value. Archive or change them first."))
        session.execute(delete(OptionValue).where(OptionValue.id == value_id), execution_options={"synchronize_session": False})


def _product_of(option_id: int) -> int:
    with transaction() as session:
        product_id = session.scalars(select(Option.product_id).where(Option.id == option_id)).first()
        if product_id is None:
            raise NotFound(_("This option does not exist any more."))
        return product_id


def _rename(table: type[OptionText | OptionValueText], owner: InstrumentedAttribute[int], key: int, names: Names) -> None:
    """Replace the names of these languages; an empty one falls back to the first language's."""
    with transaction() as session:
        spoken = [locale for locale in names if locale in locales()]
        session.execute(delete(table).where(owner == key, table.locale.in_(spoken)), execution_options={"synchronize_session": False})
        rows = [{owner.key: key, "locale": locale, "name": names[locale]} for locale in spoken if names[locale]]
        if rows:
            session.execute(insert(table), rows)


def _free(wanted: str, taken: set[str]) -> str:
    return numbered(wanted, lambda codes: taken.intersection(codes)) if wanted in taken else wanted


def _default(names: Names) -> str:
    name = names.get(locales()[0], "")
    if not name:
        raise Invalid({"name": [_("Please fill this in.")]})
    return name


def _names(key: str, value: int, names: Names) -> list[dict[str, object]]:
    _default(names)
    return [{key: value, "locale": locale, "name": name} for locale, name in names.items() if name and locale in locales()]
