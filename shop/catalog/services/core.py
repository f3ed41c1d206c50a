"""What the verbs of the catalog share: claiming what is changed, and saying that a value stays as it is."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime
from enum import Enum
from typing import Any, Final

from flask import current_app
from flask_babel import gettext as _
from sqlalchemy import ColumnElement, select, update

from shop.catalog.models import Category, Product, Variant
from shop.db import Base, transaction
from shop.errors import Invalid, NotFound, StaleVersion

Texts = Mapping[str, Mapping[str, str]]  # {"en": {"name": "Mug", "slug": "mug"}}: what is not named stays


class Keep(Enum):
    """The only member says: leave this as it is."""

    KEEP = "keep"


KEEP: Final = Keep.KEEP


def locales() -> tuple[str, ...]:
    """The languages of the shop, the default one first."""
    return current_app.extensions["config"].locales


def currency() -> str:
    """In which the shop sells."""
    return current_app.extensions["config"].currency


def changed(**columns: Any) -> dict[str, Any]:
    """Only those columns that are not KEEP."""
    return {name: value for name, value in columns.items() if value is not KEEP}


def claim_product(product_id: int, expected_version: int | None = None, *, at: datetime, **columns: Any) -> None:
    """Begin to change a product: nobody else can meanwhile. Writes ``columns`` along.

    Raises:
        NotFound: there is no such product.
        StaleVersion: it has another version than the one that was looked at.
    """
    with transaction():
        _claim(Product, product_id, expected_version, {"updated_at": at, **columns})


def claim_category(category_id: int, expected_version: int | None = None, **columns: Any) -> None:
    """As ``claim_product``."""
    with transaction():
        _claim(Category, category_id, expected_version, columns)


def claim_variant(variant_id: int, expected_version: int | None = None, *, at: datetime, **columns: Any) -> int:
    """Begin to change a variant, and with it its product, whose id it gives."""
    with transaction() as session:
        _claim(Variant, variant_id, expected_version, columns)
        product_id = session.scalars(select(Variant.product_id).where(Variant.id == variant_id)).one()
        claim_product(product_id, at=at)
        return product_id


def _claim(table: type[Category | Product | Variant], key: int, expected_version: int | None, columns: Mapping[str, Any]) -> None:
    with transaction() as session:
        wanted: list[ColumnElement[bool]] = [table.id == key]
        if expected_version is not None:
            wanted.append(table.version == expected_version)
        statement = update(table).where(*wanted).values(version=table.version + 1, **columns).returning(table.id)
        if session.execute(statement, execution_options={"synchronize_session": False}).first() is None:
            if session.scalars(select(table.id).where(table.id == key)).first() is None:
                raise NotFound(_("This does not exist any more."))
            raise StaleVersion(_("Somebody changed this meanwhile. Load it again, then repeat your change."))


def require(wanted: Mapping[str, Any], field: str) -> None:
    """The shop's first language must have a text: everything else falls back to it."""
    if not wanted.get(field):
        raise Invalid({f"texts/{locales()[0]}/{field}": [_("Please fill this in.")]})


def known_locales(texts: Texts) -> None:
    """Refuse languages that the shop does not speak."""
    strange = sorted(set(texts) - set(locales()))
    if strange:
        raise Invalid({f"texts/{locale}": [_("The shop does not speak this language.")] for locale in strange})


def is_referred_to(table: str, keys: Collection[int]) -> bool:
    """Does anything that must outlive them (a line of an order, of a cart) point at these rows? Asked of the schema: the catalog knows no orders."""
    with transaction() as session:
        for other in Base.metadata.sorted_tables:
            for foreign in other.foreign_keys:
                if foreign.column.table.name != table or foreign.ondelete == "CASCADE":
                    continue
                if session.execute(select(1).select_from(other).where(foreign.parent.in_(keys)).limit(1)).first():
                    return True
        return False
