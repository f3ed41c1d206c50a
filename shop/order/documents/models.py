"""Invoices and credit notes as they were issued."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from shop.db import Base, choice
from shop.order.models import AMOUNT


class DocumentKind(StrEnum):
    """A credit note takes back a part of an invoice, or all of it."""

    INVOICE = "invoice"
    CREDIT_NOTE = "credit_note"


class DocumentSeries(Base):
    """A row of numbers such as ``INV-2026``: its last number, and the hash of the document that has it."""

    __tablename__ = "document_series"

    series: Mapped[str] = mapped_column(primary_key=True)
    last_position: Mapped[int] = mapped_column(default=0)
    last_hash: Mapped[str] = mapped_column(default="")


class Document(Base):
    """An invoice or a credit note, never edited. ``facts`` are its numbers for programs, ``paper`` all texts as they are read, in the customer's language.

    ``cause`` is what it was issued for: the same cause never makes a second one. ``hash`` covers number, facts, paper and the hash before it in the series.
    """

    __tablename__ = "documents"

    id: Mapped[int] = mapped_column(primary_key=True)
    order_id: Mapped[int] = mapped_column(ForeignKey("orders.id"), index=True)
    kind: Mapped[DocumentKind] = mapped_column(choice(DocumentKind, "kind"))
    series: Mapped[str] = mapped_column(ForeignKey("document_series.series"))
    position: Mapped[int]
    number: Mapped[str] = mapped_column(unique=True)
    cause: Mapped[str] = mapped_column(unique=True)
    corrects_id: Mapped[int | None] = mapped_column(ForeignKey("documents.id"), index=True)
    issued_at: Mapped[datetime]
    currency: Mapped[str]
    net_minor: Mapped[int]
    tax_minor: Mapped[int]
    gross_minor: Mapped[int]
    facts: Mapped[dict[str, Any]]
    paper: Mapped[dict[str, Any]]
    hash: Mapped[str]

    __table_args__ = (
        UniqueConstraint("series", "position"),
        CheckConstraint("position BETWEEN 1 AND 999999999", name="position_range"),
        CheckConstraint(f"gross_minor {AMOUNT}", name="gross_range"),
        CheckConstraint("net_minor + tax_minor = gross_minor", name="gross_is_net_and_tax"),
        CheckConstraint("(kind = 'credit_note') = (corrects_id IS NOT NULL)", name="credit_note_corrects"),
    )
