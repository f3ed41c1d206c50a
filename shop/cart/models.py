"""A cart and what lies in it."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from sqlalchemy import CheckConstraint, ForeignKey, Index, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from shop.db import Base, choice

MAX_QUANTITY = 9999


class CartState(StrEnum):
    """Open while it can change; then it became an order, or was merged into another cart at log-in."""

    OPEN = "open"
    ORDERED = "ordered"
    MERGED = "merged"


class Cart(Base):
    """``key`` is the random name that a visitor's signed cookie holds; ``user_id`` makes it follow a member to other devices."""

    __tablename__ = "carts"

    id: Mapped[int] = mapped_column(primary_key=True)
    key: Mapped[str] = mapped_column(unique=True)
    user_id: Mapped[int | None] = mapped_column(ForeignKey("users.id", ondelete="SET NULL"))
    state: Mapped[CartState] = mapped_column(choice(CartState, "state"), default=CartState.OPEN)
    currency: Mapped[str]
    created_at: Mapped[datetime]
    updated_at: Mapped[datetime]
    version: Mapped[int] = mapped_column(default=1)

    __table_args__ = (
        Index("uq_carts_open_user_id", "user_id", unique=True, sqlite_where=text("state = 'open'")),
        Index("ix_carts_user_id", "user_id"),
        Index("ix_carts_updated_at", "updated_at"),
    )


class CartItem(Base):
    """So many pieces of a variant. ``seen_price_minor`` is the price that the visitor last saw here."""

    __tablename__ = "cart_items"

    id: Mapped[int] = mapped_column(primary_key=True)
    cart_id: Mapped[int] = mapped_column(ForeignKey("carts.id", ondelete="CASCADE"))
    variant_id: Mapped[int] = mapped_column(ForeignKey("variants.id"), index=True)
    quantity: Mapped[int]
    seen_price_minor: Mapped[int]
    added_at: Mapped[datetime]

    __table_args__ = (
        UniqueConstraint("cart_id", "variant_id"),
        CheckConstraint(f"quantity BETWEEN 1 AND {MAX_QUANTITY}", name="quantity_range"),
        CheckConstraint("seen_price_minor BETWEEN 0 AND 100000000000000", name="seen_price_range"),
    )


class CartCode(Base):
    """A code that was typed into this cart: one of each promotion. Whether it counts is found anew with every quote."""

    __tablename__ = "cart_codes"

    cart_id: Mapped[int] = mapped_column(ForeignKey("carts.id", ondelete="CASCADE"), primary_key=True)
    promotion_id: Mapped[int] = mapped_column(ForeignKey("promotions.id", ondelete="CASCADE"), primary_key=True)
    code_id: Mapped[int] = mapped_column(ForeignKey("promotion_codes.id", ondelete="CASCADE"))
