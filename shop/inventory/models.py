"""How many pieces there are, and every reason why that number ever changed."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from sqlalchemy import CheckConstraint, ForeignKey, Index
from sqlalchemy.orm import Mapped, mapped_column

from shop.db import Base, choice


class Reason(StrEnum):
    """Why stock changed."""

    SALE = "sale"
    CANCELLATION = "cancellation"
    RETURN = "return"
    DELIVERY = "delivery"
    COUNT = "count"
    CORRECTION = "correction"
    IMPORT = "import"


class StockItem(Base):
    """The pieces of one variant. Where ``is_tracked`` is false nobody counts and it never sells out; ``tracked_since`` is when counting began.

    ``backorder_to`` is how many more than there are may be sold (0: none); they ship in about ``lead_days``. ``on_hand`` below zero is owed to buyers.
    """

    __tablename__ = "stock_items"

    variant_id: Mapped[int] = mapped_column(ForeignKey("variants.id", ondelete="CASCADE"), primary_key=True, autoincrement=False)
    on_hand: Mapped[int] = mapped_column(default=0)
    low_at: Mapped[int] = mapped_column(default=3)
    is_tracked: Mapped[bool] = mapped_column(default=True)
    tracked_since: Mapped[datetime | None]
    backorder_to: Mapped[int] = mapped_column(default=0, server_default="0")
    lead_days: Mapped[int] = mapped_column(default=0, server_default="0")

    __table_args__ = (
        CheckConstraint("on_hand BETWEEN -backorder_to AND 1000000000", name="on_hand_range"),
        CheckConstraint("backorder_to BETWEEN 0 AND 1000000", name="backorder_range"),
        CheckConstraint("lead_days BETWEEN 0 AND 365", name="lead_days_range"),
        CheckConstraint("low_at BETWEEN 0 AND 1000000", name="low_at_range"),
    )


class StockMovement(Base):
    """One change of stock, never edited: for each variant the sum of ``delta`` is ``on_hand``."""

    __tablename__ = "stock_movements"

    id: Mapped[int] = mapped_column(primary_key=True)
    variant_id: Mapped[int] = mapped_column(ForeignKey("variants.id", ondelete="CASCADE"))
    delta: Mapped[int]
    reason: Mapped[Reason] = mapped_column(choice(Reason, "reason"))
    reference: Mapped[str] = mapped_column(default="")
    actor: Mapped[str] = mapped_column(default="")
    at: Mapped[datetime]

    __table_args__ = (
        Index("ix_stock_movements_variant_id_id", "variant_id", "id"),
        Index("ix_stock_movements_reference", "reference", "variant_id"),
        CheckConstraint("delta BETWEEN -1000000000 AND 1000000000 AND delta <> 0", name="delta_range"),
        {"info": {"append_only": True, "goes_with": ("variant_id", "variants")}},
    )
