"""Pictures that the shop keeps."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import CheckConstraint
from sqlalchemy.orm import Mapped, mapped_column

from shop.db import Base


class Image(Base):
    """A checked picture. ``hash`` (SHA-256 of the original's bytes, hex, 32 digits) names its files; ``widths`` are those it was resized to."""

    __tablename__ = "images"

    id: Mapped[int] = mapped_column(primary_key=True)
    hash: Mapped[str] = mapped_column(unique=True)
    width: Mapped[int]
    height: Mapped[int]
    widths: Mapped[str]
    original_name: Mapped[str] = mapped_column(default="")
    bytes: Mapped[int]
    created_at: Mapped[datetime]

    __table_args__ = (CheckConstraint("width BETWEEN 1 AND 100000 AND height BETWEEN 1 AND 100000", name="pixels"),)
