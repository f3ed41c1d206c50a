"""What the catalog does by itself: goods appear at the moment that staff chose, and prices change at theirs."""

from __future__ import annotations

from datetime import datetime, timedelta

from flask import current_app
from sqlalchemy import bindparam, false, select, union, update

from shop.catalog.listing import refresh_listing
from shop.catalog.models import Price, Product, Variant
from shop.db import rows, transaction

AT_ONCE = 500
LOOKS_BACK = timedelta(days=7)

_for_sale = (Price.currency == bindparam("currency"), Price.customer_group == "", Price.valid_from <= bindparam("at"))
_appearing = select(Product.id).where(
    Product.is_listed == false(),
    Product.archived_at.is_(None),
    Product.published_at <= bindparam("at"),
    select(Variant.id)
    .join(Price, Price.variant_id == Variant.id)
    .where(Variant.product_id == Product.id, Variant.archived_at.is_(None), *_for_sale)
    .exists(),
)
# Whoever sets a price for at once writes ``updated_at`` with it; one that is younger than that was set for later.
_repriced = (
    select(Product.id)
    .join(Variant, Variant.product_id == Product.id)
    .join(Price, Price.variant_id == Variant.id)
    .where(*_for_sale, Price.valid_from > bindparam("since"), Price.valid_from > Product.updated_at)
)
DUE = union(_appearing, _repriced).limit(AT_ONCE)


def show_due(at: datetime) -> int:
    """Bring lists up to what has become true since the last look; gives how many products that concerned. Repeating it changes nothing."""
    currency, seen = current_app.extensions["config"].currency, 0
    while due := [found.id for found in rows(DUE, currency=currency, at=at, since=at - LOOKS_BACK)]:
        with transaction() as session:
            session.execute(update(Product).where(Product.id.in_(due)).values(updated_at=at))
            refresh_listing(due, at=at)
        seen += len(due)
    return seen
