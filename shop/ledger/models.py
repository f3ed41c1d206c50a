"""Postings and their entries. The database itself refuses to change or delete one: see ``append_only`` and ``migrations/append_only.py``."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from sqlalchemy import CheckConstraint, ForeignKey
from sqlalchemy.orm import Mapped, mapped_column

from shop.db import Base, choice


class Account(StrEnum):
    """Where money stands. Above zero: customers owe it (``receivable``), the shop holds it (``cash``), it cost something (discounts to disputes).

    Below zero: the shop owes it to customers (``receivable``), earned it (``sales``, ``shipping``), or owes it to the state (``tax``).
    """

    RECEIVABLE = "receivable"
    CASH = "cash"
    SALES = "sales"
    SHIPPING = "shipping"
    TAX = "tax"
    DISCOUNTS = "discounts"
    REFUNDS = "refunds"
    DISPUTES = "disputes"


AGREED = (Account.SALES, Account.SHIPPING, Account.TAX, Account.DISCOUNTS, Account.REFUNDS)


class Cause(StrEnum):
    """Why money moved: an order was agreed (``sale``), edited or ended; money came, went back, was taken by a bank."""

    SALE = "sale"
    REVISION = "revision"
    CANCELLATION = "cancellation"
    CAPTURE = "capture"
    REFUND = "refund"
    DISPUTE = "dispute"
    DISPUTE_WON = "dispute_won"


class Posting(Base):
    """One movement of money about an order, in one currency. ``key`` names its cause (``capture:7``), so that each is posted once."""

    __tablename__ = "postings"

    id: Mapped[int] = mapped_column(primary_key=True)
    order_id: Mapped[int] = mapped_column(ForeignKey("orders.id"), index=True)
    cause: Mapped[Cause] = mapped_column(choice(Cause, "cause"))
    key: Mapped[str] = mapped_column(unique=True)
    currency: Mapped[str]
    gateway: Mapped[str] = mapped_column(default="")
    actor: Mapped[str]
    at: Mapped[datetime]

    __table_args__ = ({"info": {"append_only": True}},)


class Entry(Base):
    """The share of a posting that one account has; above zero is a debit. The entries of a posting sum to zero."""

    __tablename__ = "entries"

    posting_id: Mapped[int] = mapped_column(ForeignKey("postings.id"), primary_key=True)
    account: Mapped[Account] = mapped_column(choice(Account, "account"), primary_key=True)
    minor: Mapped[int]

    __table_args__ = (
        CheckConstraint("minor BETWEEN -100000000000000 AND 100000000000000 AND minor <> 0", name="minor_range"),
        {"info": {"append_only": True}},
    )
