"""Reading what an order may be changed to."""

from __future__ import annotations

from sqlalchemy import bindparam, select

from shop.catalog.models import Variant
from shop.db import rows

BY_SKU = select(Variant.id).where(Variant.sku == bindparam("sku"), Variant.archived_at.is_(None)).limit(2)


def find_variant_by_sku(sku: str) -> int | None:
    """The variant that has this SKU, if it is one alone."""
    found = rows(BY_SKU, sku=sku)
    return int(found[0].id) if len(found) == 1 else None
