"""The tables behind the rules: tax rates, delivery zones and methods. The rules themselves are pure functions beside this file."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from sqlalchemy import CheckConstraint, ForeignKey, Index, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from shop.db import Base, choice
from shop.pricing.delivery import GOODS, Measure

AMOUNT = "BETWEEN 0 AND 100000000000000"


class TaxRate(Base):
    """What a tax class costs in a place from a moment on, in parts per million: 210000 is 21 %. Rows are appended, never overwritten; of two of the same
    moment the later one counts. ``region`` is a code of the post, ``postcode`` the beginning of one; "" is the whole country."""

    __tablename__ = "tax_rates"

    id: Mapped[int] = mapped_column(primary_key=True)
    country: Mapped[str]
    region: Mapped[str] = mapped_column(default="")
    postcode: Mapped[str] = mapped_column(default="")
    tax_class: Mapped[str]
    valid_from: Mapped[datetime]
    rate_ppm: Mapped[int]
    written_at: Mapped[datetime]
    written_by: Mapped[str] = mapped_column(default="shop")

    __table_args__ = (
        Index("ix_tax_rates_place", "country", "region", "postcode", "tax_class", "valid_from"),
        CheckConstraint("rate_ppm BETWEEN 0 AND 1000000", name="rate_range"),
        CheckConstraint("length(country) = 2", name="country_code"),
    )


class ShippingKind(StrEnum):
    """How a delivery method works: to the door, or collected."""

    DELIVERY = "delivery"
    PICKUP = "pickup"


class DeliveryZone(Base):
    """A named set of areas in which deliveries cost the same. Without any area it is the rest of the world."""

    __tablename__ = "delivery_zones"

    id: Mapped[int] = mapped_column(primary_key=True)
    code: Mapped[str] = mapped_column(unique=True)
    name: Mapped[str]
    position: Mapped[int] = mapped_column(default=0)
    version: Mapped[int] = mapped_column(default=1)

    __table_args__ = (CheckConstraint("length(name) BETWEEN 1 AND 120", name="name_length"),)


class DeliveryArea(Base):
    """A country of a zone, or a part of it: a region by its code, or postcodes from … to by their beginnings. "" is the whole country."""

    __tablename__ = "delivery_areas"

    id: Mapped[int] = mapped_column(primary_key=True)
    zone_id: Mapped[int] = mapped_column(ForeignKey("delivery_zones.id", ondelete="CASCADE"), index=True)
    country: Mapped[str]
    region: Mapped[str] = mapped_column(default="")
    postcode_from: Mapped[str] = mapped_column(default="")
    postcode_to: Mapped[str] = mapped_column(default="")

    __table_args__ = (CheckConstraint("length(country) = 2", name="country_code"),)


class ShippingMethod(Base):
    """A way to deliver; what it costs stands in its rates. ``tax_class`` ``goods`` is taxed as the goods are that it brings."""

    __tablename__ = "shipping_methods"

    id: Mapped[int] = mapped_column(primary_key=True)
    code: Mapped[str] = mapped_column(unique=True)
    kind: Mapped[ShippingKind] = mapped_column(choice(ShippingKind, "kind"))
    tax_class: Mapped[str] = mapped_column(default=GOODS)
    position: Mapped[int] = mapped_column(default=0)
    archived_at: Mapped[datetime | None]
    version: Mapped[int] = mapped_column(default=1)


class ShippingRate(Base):
    """What a method costs in a zone (pickup: anywhere, without a zone), by what it is measured, and the most that it takes. Free from
    ``free_from_minor`` of goods on."""

    __tablename__ = "shipping_rates"

    id: Mapped[int] = mapped_column(primary_key=True)
    method_id: Mapped[int] = mapped_column(ForeignKey("shipping_methods.id", ondelete="CASCADE"), index=True)
    zone_id: Mapped[int | None] = mapped_column(ForeignKey("delivery_zones.id", ondelete="CASCADE"), index=True)
    currency: Mapped[str]
    price_minor: Mapped[int]
    free_from_minor: Mapped[int | None]
    measure: Mapped[Measure] = mapped_column(choice(Measure, "measure"), default=Measure.NONE)
    most: Mapped[int | None]

    __table_args__ = (
        UniqueConstraint("method_id", "zone_id", "currency"),
        CheckConstraint(f"price_minor {AMOUNT}", name="price_range"),
        CheckConstraint(f"free_from_minor IS NULL OR free_from_minor {AMOUNT}", name="free_from_range"),
        CheckConstraint(f"most IS NULL OR most {AMOUNT}", name="most_range"),
    )


class ShippingStep(Base):
    """From so much of the measure on (included) a rate costs this."""

    __tablename__ = "shipping_steps"

    rate_id: Mapped[int] = mapped_column(ForeignKey("shipping_rates.id", ondelete="CASCADE"), primary_key=True)
    from_value: Mapped[int] = mapped_column(primary_key=True)
    price_minor: Mapped[int]

    __table_args__ = (
        CheckConstraint(f"from_value {AMOUNT}", name="from_range"),
        CheckConstraint(f"price_minor {AMOUNT}", name="price_range"),
    )


class ShippingMethodText(Base):
    """What a customer reads about a delivery method."""

    __tablename__ = "shipping_method_texts"

    method_id: Mapped[int] = mapped_column(ForeignKey("shipping_methods.id", ondelete="CASCADE"), primary_key=True)
    locale: Mapped[str] = mapped_column(primary_key=True)
    name: Mapped[str]
    note: Mapped[str] = mapped_column(default="")


class VatCheck(Base):
    """What the register said of a VAT number, and the proof of it. ``is_valid`` is empty where no answer came; ``problem`` says why then.

    ``request_id`` is the register's own number of the consultation, ``answered_on`` the day that it wrote on its answer.
    """

    __tablename__ = "vat_checks"

    id: Mapped[int] = mapped_column(primary_key=True)
    number: Mapped[str]
    asked_at: Mapped[datetime]
    is_valid: Mapped[bool | None]
    request_id: Mapped[str] = mapped_column(default="")
    answered_on: Mapped[str] = mapped_column(default="")
    name: Mapped[str] = mapped_column(default="")
    address: Mapped[str] = mapped_column(default="")
    problem: Mapped[str] = mapped_column(default="")

    __table_args__ = (Index("ix_vat_checks_number", "number", "asked_at"),)
