"""Settings edited by staff, and the versions by which caches know that something changed."""

from __future__ import annotations

from sqlalchemy import CheckConstraint
from sqlalchemy.orm import Mapped, mapped_column

from shop.db import Base


class Setting(Base):
    """One setting: ``name`` is dotted (``shop.name``), ``locale`` a language or "" where it has none."""

    __tablename__ = "settings"

    name: Mapped[str] = mapped_column(primary_key=True)
    locale: Mapped[str] = mapped_column(primary_key=True, default="")
    value: Mapped[str]

    __table_args__ = (CheckConstraint("length(name) BETWEEN 1 AND 80", name="name_length"),)


class Version(Base):
    """A counter per topic (``catalog``, ``settings``), raised in the transaction that changes it; caches look at it."""

    __tablename__ = "versions"

    topic: Mapped[str] = mapped_column(primary_key=True)
    number: Mapped[int] = mapped_column(default=1)
