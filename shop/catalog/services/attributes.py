"""The verbs of attributes: typed properties that products share."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from flask_babel import gettext as _
from sqlalchemy import delete, insert, select

from shop.catalog.models import Attribute, AttributeKind, AttributeText, ProductAttribute
from shop.catalog.services.core import claim_product, locales
from shop.catalog.slugs import slugify
from shop.db import transaction
from shop.errors import Invalid, NotFound
from shop.settings.services import touch_topic

YES = {"true", "yes", "1"}


def create_attribute(code: str, kind: AttributeKind, names: Mapping[str, str], *, unit: str = "") -> int:
    """Make a property known, or give the one with this code; gives its id."""
    with transaction() as session:
        code = slugify(code, "attribute").replace("-", "_")
        found = session.scalars(select(Attribute.id).where(Attribute.code == code)).first()
        if found is not None:
            return found
        attribute = Attribute(code=code, kind=kind, unit=unit)
        session.add(attribute)
        session.flush()
        known = {locales()[0]: code.replace("_", " ").capitalize()} | {locale: name for locale, name in names.items() if name}
        rows = [{"attribute_id": attribute.id, "locale": locale, "name": name} for locale, name in known.items()]
        session.execute(insert(AttributeText), rows)
        touch_topic("catalog")
        return attribute.id


def rename_attribute(attribute_id: int, names: Mapping[str, str]) -> None:
    """Name a property otherwise; its code stays."""
    with transaction() as session:
        spoken = [locale for locale, name in names.items() if name and locale in locales()]
        session.execute(
            delete(AttributeText).where(AttributeText.attribute_id == attribute_id, AttributeText.locale.in_(spoken)),
            execution_options={"synchronize_session": False},
        )
        if spoken:
            rows = [{"attribute_id": attribute_id, "locale": locale, "name": names[locale]} for locale in spoken]
            session.execute(insert(AttributeText), rows)
        touch_topic("catalog")


def set_attributes(
    product_id: int, values: Mapping[str, Sequence[str] | Mapping[str, Sequence[str]]], *, expected_version: int | None = None, at: datetime
) -> None:
    """Give a product exactly these properties, in this order: ``{"height": ["95"], "material": {"en": ["clay"], "es": ["barro"]}}``.

    Raises:
        NotFound: there is no such attribute.
        Invalid: a number or a yes/no is written as something else.
    """
    with transaction() as session:
        claim_product(product_id, expected_version, at=at)
        known = {found.code: found for found in session.scalars(select(Attribute).where(Attribute.code.in_(list(values))))}
        session.execute(delete(ProductAttribute).where(ProductAttribute.product_id == product_id))
        rows: list[dict[str, Any]] = []
        for position, (code, given) in enumerate(values.items()):
            if code not in known:
                raise NotFound(_("There is no attribute %(code)s.", code=code))
            by_locale = given if isinstance(given, Mapping) else {"": given}
            for locale, items in by_locale.items():
                for item, text in enumerate(items):
                    shown, number = typed_value(known[code].kind, text)
                    row = {"product_id": product_id, "attribute_id": known[code].id, "locale": locale, "item": item}
                    rows.append({**row, "position": position, "text": shown, "number": number})
        if rows:
            session.execute(insert(ProductAttribute), rows)
        touch_topic("catalog")


def typed_value(kind: AttributeKind, text: str) -> tuple[str, float | None]:
    """What is shown, and the number to filter and sort by: yes is 1 and no 0."""
    if kind is AttributeKind.BOOLEAN:
        is_true = text.strip().lower() in YES
        return ("true" if is_true else "false"), float(is_true)
    if kind is AttributeKind.NUMBER:
        try:
            number = float(text)
        except ValueError:
            number = math.nan
        if not math.isfinite(number):
            raise Invalid({"attributes": [_("%(text)s is not a number.", text=text)]})
        return text.strip(), number
    return text, None
