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

    __table_args__ = (CheckConstraint("length(country) = 2", name="country_code"),)


class CustomerGroup(Base):
    """Customers whom staff put together, such as wholesale. ``code`` names the group in rules; ``name`` is for staff, customers never read it."""

    __tablename__ = "customer_groups"

    id: Mapped[int] = mapped_column(primary_key=True)
    code: Mapped[str] = mapped_column(unique=True)
    name: Mapped[str]
    created_at: Mapped[datetime]

    __table_args__ = (
        CheckConstraint("length(code) BETWEEN 1 AND 40", name="code_length"),
        CheckConstraint("length(name) BETWEEN 1 AND 120", name="name_length"),
    )


class CustomerGroupMember(Base):
    """Who is in a group. It counts for those who are logged in: an e-mail that somebody types proves nothing."""

    __tablename__ = "customer_group_members"

    group_id: Mapped[int] = mapped_column(ForeignKey("customer_groups.id", ondelete="CASCADE"), primary_key=True)
    customer_id: Mapped[int] = mapped_column(ForeignKey("customers.id", ondelete="CASCADE"), primary_key=True, index=True)
