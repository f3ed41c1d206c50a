"""The tables behind the rules: tax rates and delivery methods. The rules themselves are pure functions beside this file."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from sqlalchemy import CheckConstraint, ForeignKey, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from shop.db import Base, choice


class TaxRate(Base):
    """What a tax class costs in a country from a day on. ``rate_bp`` is in basis points: 2100 is 21 %."""

    __tablename__ = "tax_rates"

    id: Mapped[int] = mapped_column(primary_key=True)
    country: Mapped[str]
    tax_class: Mapped[str]
    valid_from: Mapped[datetime]
    rate_bp: Mapped[int]

    __table_args__ = (
        UniqueConstraint("country", "tax_class", "valid_from"),
        CheckConstraint("rate_bp BETWEEN 0 AND 10000", name="rate_range"),
    )


class ShippingKind(StrEnum):
    """How a delivery method works: to the door, or collected."""

    DELIVERY = "delivery"
    PICKUP = "pickup"


class ShippingMethod(Base):
    """A way to deliver. ``countries`` are codes joined by blanks, "" for all; free from ``free_from_minor`` of goods on."""

    __tablename__ = "shipping_methods"

    id: Mapped[int] = mapped_column(primary_key=True)
    code: Mapped[str] = mapped_column(unique=True)
    kind: Mapped[ShippingKind] = mapped_column(choice(ShippingKind, "kind"))
    countries: Mapped[str] = mapped_column(default="")
    currency: Mapped[str]
    price_minor: Mapped[int]
    free_from_minor: Mapped[int | None]
    tax_class: Mapped[str] = mapped_column(default="standard")
    position: Mapped[int] = mapped_column(default=0)
    archived_at: Mapped[datetime | None]

    __table_args__ = (CheckConstraint("price_minor BETWEEN 0 AND 100000000000000", name="price_range"),)


class ShippingMethodText(Base):
    """What a customer reads about a delivery method."""

    __tablename__ = "shipping_method_texts"

    method_id: Mapped[int] = mapped_column(ForeignKey("shipping_methods.id", ondelete="CASCADE"), primary_key=True)
    locale: Mapped[str] = mapped_column(primary_key=True)
    name: Mapped[str]
    note: Mapped[str] = mapped_column(default="")
