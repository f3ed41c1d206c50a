"""All tables together: migrations compare them with the database, and foreign keys find each other.

Every number has both bounds. Where a model names none, what the end of its name says holds: nothing in a shop is below zero or without end, and
PostgreSQL would let ``NaN`` through a bound on one side.
"""

from __future__ import annotations

import re

from sqlalchemy import BigInteger, CheckConstraint, Column, Double, Table

import shop.analytics.models
import shop.audit.models
import shop.auth.keys.models
import shop.auth.models
import shop.auth.oidc.models
import shop.auth.tokens.models
import shop.cart.models
import shop.catalog.models
import shop.content.models
import shop.customer.models
import shop.inventory.models
import shop.ledger.models
import shop.mail.models
import shop.media.models
import shop.order.documents.models
import shop.order.models
import shop.order.returns.models
import shop.order.withdrawal.models
import shop.outbox.models
import shop.payment.models
import shop.pricing.models
import shop.privacy.models
import shop.promotion.models
import shop.review.models
import shop.settings.models
import shop.trail.models
import shop.web.models
import shop.webhook.models  # noqa: F401
from shop.db import Base

MOST = {"_minor": 10**14, "_bp": 10_000, "_ppm": 1_000_000, "_g": 10**9}
MOST_OF_OTHERS = 10**18
FURTHEST = "1e300"


def bound_every_number(tables: list[Table]) -> None:
    """Add the CHECKs that no model names."""
    for table in tables:
        named = " ".join(str(check.sqltext) for check in table.constraints if isinstance(check, CheckConstraint))
        for column in table.columns:
            is_number = isinstance(column.type, BigInteger | Double) and not column.foreign_keys and not column.primary_key
            if is_number and not re.search(rf"\b{column.name}\b", named):
                table.append_constraint(CheckConstraint(_bounds(column), name=f"{column.name}_range"))


def _bounds(column: Column[object]) -> str:
    """A NULL passes every CHECK, as it should."""
    if isinstance(column.type, Double):
        return f"{column.name} BETWEEN -{FURTHEST} AND {FURTHEST}"
    most = next((most for end, most in MOST.items() if column.name.endswith(end)), MOST_OF_OTHERS)
    return f"{column.name} BETWEEN 0 AND {most}"


bound_every_number(Base.metadata.sorted_tables)
