"""Which former prices beside reduced ones are not honest: for staff, before anybody is misled."""

from __future__ import annotations

from datetime import datetime

from flask import current_app
from sqlalchemy import bindparam, select

from shop.catalog.models import Price, Variant
from shop.db import rows
from shop.pricing.history import PricePoint, is_honest, prior_prices

PRICES = (
    select(Price.variant_id, Price.valid_from, Price.minor, Price.compare_at_minor)
    .join(Variant, Variant.id == Price.variant_id)
    .where(
        Variant.product_id == bindparam("product_id"),
        Price.currency == bindparam("currency"),
        Price.customer_group == "",
        Price.valid_from <= bindparam("at"),
    )
    .order_by(Price.id)
)


def find_untrue(product_id: int, *, at: datetime) -> dict[int, int]:
    """Variants whose former price is higher than any that was asked in the 30 days before the reduction → the highest that was (0: none was asked)."""
    points: dict[int, list[PricePoint]] = {}
    for found in rows(PRICES, product_id=product_id, currency=current_app.extensions["config"].currency, at=at):
        points.setdefault(found.variant_id, []).append(PricePoint(found.valid_from, found.minor, found.compare_at_minor))
    untrue = {}
    for variant_id, history in points.items():
        newest = max(enumerate(history), key=lambda numbered: (numbered[1].since, numbered[0]))[1]
        prior = prior_prices(history)
        if not is_honest(newest, prior):
            untrue[variant_id] = prior.highest_minor if prior else 0
    return untrue
