"""What customers say about products."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import CheckConstraint, ForeignKey, Index
from sqlalchemy.orm import Mapped, mapped_column

from shop.db import Base


class Review(Base):
    """One opinion in one language. Shown once ``approved_at`` is set; ``translation_of`` names the review it translates."""

    __tablename__ = "reviews"

    id: Mapped[int] = mapped_column(primary_key=True)
    product_id: Mapped[int] = mapped_column(ForeignKey("products.id", ondelete="CASCADE"))
    user_id: Mapped[int | None] = mapped_column(ForeignKey("users.id", ondelete="SET NULL"), index=True)
    translation_of: Mapped[int | None] = mapped_column(ForeignKey("reviews.id", ondelete="CASCADE"), index=True)
    locale: Mapped[str]
    author: Mapped[str]
    stars: Mapped[int]
    text: Mapped[str]
    created_at: Mapped[datetime]
    approved_at: Mapped[datetime | None]

    __table_args__ = (
        Index("ix_reviews_product_id_created_at", "product_id", "created_at"),
        CheckConstraint("stars BETWEEN 1 AND 5", name="stars_range"),
    )
