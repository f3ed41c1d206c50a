"""The tables of promotions: what is given, to whom, on what; their codes; and every use, so that a limit is a fact and not a guess.

What a promotion takes off is worked out by the pure functions of ``shop.pricing.promotions``. What customers read has a row per locale.
"""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from sqlalchemy import CheckConstraint, ForeignKey, Index, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from shop.db import Base, choice
from shop.pricing.promotions import PromotionKind, Stacking, TierUnit

MOST_USES = 1_000_000_000
MOST_PIECES = 9999
MOST_PRIORITY = 1000
SHORTEST_CODE, LONGEST_CODE = 3, 40


class Promotion(Base):
    """What is given, under which conditions. It counts in ``[valid_from, valid_until)``, until staff ends it (``ended_at``).

    What each kind reads is said in ``shop.pricing.promotions``. ``is_scoped``: only goods named by its targets; without any left it applies to
    nothing; ``is_get_scoped`` says the same of the goods that one gets. ``delivery_codes`` are joined by blanks, "" for all. ``group_id``: only members
    of that group who are logged in. ``used`` counts the redemptions that were not released; ``max_uses_each`` is per customer, by e-mail and account.
    """

    __tablename__ = "promotions"

    id: Mapped[int] = mapped_column(primary_key=True)
    kind: Mapped[PromotionKind] = mapped_column(choice(PromotionKind, "kind"))
    percent_bp: Mapped[int] = mapped_column(default=10_000)
    amount_minor: Mapped[int] = mapped_column(default=0)
    is_per_piece: Mapped[bool] = mapped_column(default=False)
    tier_unit: Mapped[TierUnit] = mapped_column(choice(TierUnit, "tier_unit"), default=TierUnit.COUNT)
    buy: Mapped[int] = mapped_column(default=1)
    get: Mapped[int] = mapped_column(default=1)
    times: Mapped[int | None]
    cap_minor: Mapped[int | None]
    delivery_codes: Mapped[str] = mapped_column(default="")
    is_scoped: Mapped[bool] = mapped_column(default=False)
    is_get_scoped: Mapped[bool] = mapped_column(default=False)
    group_id: Mapped[int | None] = mapped_column(ForeignKey("customer_groups.id"), index=True)
    minimum_minor: Mapped[int] = mapped_column(default=0)
    minimum_count: Mapped[int] = mapped_column(default=0)
    needs_code: Mapped[bool] = mapped_column(default=False)
    stacking: Mapped[Stacking] = mapped_column(choice(Stacking, "stacking"), default=Stacking.COMBINABLE)
    stack_group: Mapped[str] = mapped_column(default="")
    priority: Mapped[int] = mapped_column(default=0)
    valid_from: Mapped[datetime | None]
    valid_until: Mapped[datetime | None]
    max_uses: Mapped[int | None]
    max_uses_each: Mapped[int | None]
    used: Mapped[int] = mapped_column(default=0)
    created_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]
    version: Mapped[int] = mapped_column(default=1)

    __table_args__ = (
        CheckConstraint("percent_bp BETWEEN 1 AND 10000", name="percent_range"),
        CheckConstraint(f"buy BETWEEN 1 AND {MOST_PIECES}", name="buy_range"),
        CheckConstraint(f"get BETWEEN 1 AND {MOST_PIECES}", name="get_range"),
        CheckConstraint(f"times BETWEEN 1 AND {MOST_PIECES}", name="times_range"),
        CheckConstraint(f"minimum_count BETWEEN 0 AND {MOST_PIECES}", name="minimum_count_range"),
        CheckConstraint(f"priority BETWEEN -{MOST_PRIORITY} AND {MOST_PRIORITY}", name="priority_range"),
        CheckConstraint(f"max_uses BETWEEN 1 AND {MOST_USES}", name="max_uses_range"),
        CheckConstraint(f"max_uses_each BETWEEN 1 AND {MOST_USES}", name="max_uses_each_range"),
        CheckConstraint(f"used BETWEEN 0 AND {MOST_USES}", name="used_range"),
        CheckConstraint("max_uses IS NULL OR used <= max_uses", name="used_within_limit"),
        CheckConstraint("valid_from IS NULL OR valid_until IS NULL OR valid_from < valid_until", name="valid_some_time"),
        Index(
            "ix_promotions_watched",
            "id",
            sqlite_where=text("NOT needs_code AND ended_at IS NULL AND (max_uses IS NOT NULL OR max_uses_each IS NOT NULL)"),
        ),
    )


class PromotionText(Base):
    """What a customer reads: on the line of the sum that a promotion makes, and where it is offered."""

    __tablename__ = "promotion_texts"

    promotion_id: Mapped[int] = mapped_column(ForeignKey("promotions.id", ondelete="CASCADE"), primary_key=True)
    locale: Mapped[str] = mapped_column(primary_key=True)
    name: Mapped[str]

    __table_args__ = (CheckConstraint("length(name) BETWEEN 1 AND 120", name="name_length"),)


class TargetRole(StrEnum):
    """What a target is for: the goods that count, or those that one gets for them."""

    SCOPE = "scope"
    GET = "get"


class PromotionTarget(Base):
    """Goods that a promotion names: a category with all below it, a product, or a variant."""

    __tablename__ = "promotion_targets"

    id: Mapped[int] = mapped_column(primary_key=True)
    promotion_id: Mapped[int] = mapped_column(ForeignKey("promotions.id", ondelete="CASCADE"), index=True)
    role: Mapped[TargetRole] = mapped_column(choice(TargetRole, "role"), default=TargetRole.SCOPE)
    category_id: Mapped[int | None] = mapped_column(ForeignKey("categories.id", ondelete="CASCADE"), index=True)
    product_id: Mapped[int | None] = mapped_column(ForeignKey("products.id", ondelete="CASCADE"), index=True)
    variant_id: Mapped[int | None] = mapped_column(ForeignKey("variants.id", ondelete="CASCADE"), index=True)

    __table_args__ = (
        CheckConstraint(
            "(category_id IS NOT NULL AND product_id IS NULL AND variant_id IS NULL)"
            " OR (category_id IS NULL AND product_id IS NOT NULL AND variant_id IS NULL)"
            " OR (category_id IS NULL AND product_id IS NULL AND variant_id IS NOT NULL)",
            name="one_target",
        ),
    )


class PromotionTier(Base):
    """From so many pieces, or so much money, on: so much off, in percent or off each piece."""

    __tablename__ = "promotion_tiers"

    promotion_id: Mapped[int] = mapped_column(ForeignKey("promotions.id", ondelete="CASCADE"), primary_key=True)
    at_least: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    percent_bp: Mapped[int] = mapped_column(default=0)
    off_piece_minor: Mapped[int] = mapped_column(default=0)

    __table_args__ = (
        CheckConstraint("at_least BETWEEN 1 AND 100000000000000", name="at_least_range"),
        CheckConstraint("percent_bp > 0 OR off_piece_minor > 0", name="takes_something_off"),
        CheckConstraint("percent_bp BETWEEN 0 AND 10000", name="percent_range"),
        CheckConstraint("off_piece_minor BETWEEN 0 AND 100000000000000", name="off_piece_range"),
    )


class PromotionCode(Base):
    """A code that opens a promotion, in capitals. ``batch`` names those that were made together; ``max_uses`` is of this code alone."""

    __tablename__ = "promotion_codes"

    id: Mapped[int] = mapped_column(primary_key=True)
    promotion_id: Mapped[int] = mapped_column(ForeignKey("promotions.id", ondelete="CASCADE"))
    code: Mapped[str] = mapped_column(unique=True)
    batch: Mapped[str] = mapped_column(default="")
    max_uses: Mapped[int | None]
    created_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]

    __table_args__ = (
        CheckConstraint(f"length(code) BETWEEN {SHORTEST_CODE} AND {LONGEST_CODE} AND code = upper(code)", name="code_form"),
        CheckConstraint(f"max_uses BETWEEN 1 AND {MOST_USES}", name="max_uses_range"),
        Index("ix_promotion_codes_promotion_id", "promotion_id", "id"),
    )


class Redemption(Base):
    """A use of a promotion by an order: the ledger behind its limits. ``released_at``: the order was canceled, the use may be had again."""

    __tablename__ = "redemptions"

    id: Mapped[int] = mapped_column(primary_key=True)
    promotion_id: Mapped[int] = mapped_column(ForeignKey("promotions.id"))
    code_id: Mapped[int | None] = mapped_column(ForeignKey("promotion_codes.id"), index=True)
    order_id: Mapped[int] = mapped_column(ForeignKey("orders.id"), index=True)
    user_id: Mapped[int | None] = mapped_column(ForeignKey("users.id", ondelete="SET NULL"), index=True)
    email: Mapped[str]
    at: Mapped[datetime]
    released_at: Mapped[datetime | None]

    __table_args__ = (
        UniqueConstraint("promotion_id", "order_id"),
        Index("ix_redemptions_promotion_id_email", "promotion_id", "email"),
    )
