"""Which of a variant's prices counts."""

from __future__ import annotations

from sqlalchemy import bindparam, select

from shop.catalog.models import Price, Variant

NEWEST_PRICE = (
    select(Price.id)
    .where(
        Price.variant_id == Variant.id,
        Price.currency == bindparam("currency"),
        Price.customer_group == "",
        Price.valid_from <= bindparam("at"),
    )
    .order_by(Price.valid_from.desc(), Price.id.desc())
    .limit(1)
    .correlate(Variant)
    .scalar_subquery()
)
"""The id of the newest price that is valid ``at`` a moment, in ``currency``, for everybody: for statements that read ``Variant``."""
