"""Who buys: a customer with or without a log-in, and their addresses."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import CheckConstraint, ForeignKey
from sqlalchemy.orm import Mapped, mapped_column

from shop.db import Base


class AddressColumns:
    """The columns of every address. ``country`` is ISO 3166-1 alpha-2, ``region`` the code or name that the country's post uses."""

    name: Mapped[str]
    company: Mapped[str] = mapped_column(default="")
    line1: Mapped[str] = mapped_column(default="")
    line2: Mapped[str] = mapped_column(default="")
    city: Mapped[str] = mapped_column(default="")
    region: Mapped[str] = mapped_column(default="")
    postcode: Mapped[str] = mapped_column(default="")
    country: Mapped[str]
    phone: Mapped[str] = mapped_column(default="")


class Customer(Base):
    """Someone who buys. ``user_id`` is empty for guests; one customer per user."""

    __tablename__ = "customers"

    id: Mapped[int] = mapped_column(primary_key=True)
    user_id: Mapped[int | None] = mapped_column(ForeignKey("users.id", ondelete="SET NULL"), unique=True)
    email: Mapped[str] = mapped_column(index=True)
    name: Mapped[str] = mapped_column(default="")
    locale: Mapped[str] = mapped_column(default="en")
    created_at: Mapped[datetime]


class Address(AddressColumns, Base):
    """An address in a customer's book."""

    __tablename__ = "addresses"

    id: Mapped[int] = mapped_column(primary_key=True)
    customer_id: Mapped[int] = mapped_column(ForeignKey("customers.id", ondelete="CASCADE"), index=True)
    is_default: Mapped[bool] = mapped_column(default=False)
    used_at: Mapped[datetime]

    __table_args__ = (CheckConstraint("length(country) = 2", name="country_code"),)
