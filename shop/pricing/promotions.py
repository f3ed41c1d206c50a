"""What a shop offers beside its prices: promotions as values, and why one did not count. How they are applied stands in ``discounts``.

Dates, limits of use and whose code it is are decided outside: only promotions that hold now come in; for all others a ``Missed`` comes in.

How promotions stand together (``stacking``), in this order:

1. A promotion counts when its group, its goods and its minimum fit. All thresholds look at the goods at their prices before any discount: no
   promotion takes another's minimum away, and no code makes the delivery dearer.
2. ``best``: of those with the same ``stack_group`` the one that alone takes off most; among equals the higher ``priority``, then the lower id.
3. ``exclusive`` stands alone. Whichever costs the customer less counts: the best exclusive one, or all others together; among equals the others.
4. What remains is applied by ``priority``, higher first; then by kind (buy and get, tiers, percent, fixed, free delivery), then by id. Each takes
   its part of what those before it left; nothing falls below zero.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from shop.pricing.goods import Item
from shop.pricing.rounding import WHOLE_BP


class PromotionKind(StrEnum):
    """What a promotion does, in the order in which those of the same priority are applied."""

    BUY_GET = "buy_get"
    TIERS = "tiers"
    PERCENT = "percent"
    FIXED = "fixed"
    FREE_DELIVERY = "free_delivery"


class Stacking(StrEnum):
    """How a promotion stands beside others; see the head of this file."""

    COMBINABLE = "combinable"
    BEST = "best"
    EXCLUSIVE = "exclusive"


class TierUnit(StrEnum):
    """By what tiers go: pieces, or their amount before discounts."""

    COUNT = "count"
    AMOUNT = "amount"


@dataclass(frozen=True, slots=True, kw_only=True)
class Scope:
    """Which goods: any of these categories, products or variants; all goods when nothing is named."""

    category_ids: frozenset[int] = frozenset()
    product_ids: frozenset[int] = frozenset()
    variant_ids: frozenset[int] = frozenset()

    @property
    def is_everything(self) -> bool:
        return not (self.category_ids or self.product_ids or self.variant_ids)

    def holds(self, item: Item) -> bool:
        return (
            self.is_everything
            or item.variant_id in self.variant_ids
            or item.product_id in self.product_ids
            or not self.category_ids.isdisjoint(item.category_ids)
        )


EVERYTHING = Scope()


@dataclass(frozen=True, slots=True, order=True)
class Tier:
    """From ``at_least`` pieces or minor units on: so many basis points off, or an amount off each piece."""

    at_least: int
    percent_bp: int = 0
    off_piece_minor: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Promotion:
    """One offer that holds now. What each kind reads:

    ``percent``: ``percent_bp`` off the goods in ``scope``. ``fixed``: ``amount_minor`` off them together, or off each piece (``is_per_piece``).
    ``tiers``: the highest of ``tiers`` that the goods in scope reach together, by ``tier_unit``. ``free_delivery``: ``percent_bp`` off the delivery,
    of the methods ``delivery_codes`` (none named: all). ``buy_get``: for ``buy`` pieces in ``scope``, ``get`` pieces at ``percent_bp`` off; the
    cheapest ones, out of ``get_scope`` or, where that is None, out of the same goods; at most ``times`` times.

    ``code`` is as the customer typed it, None for an automatic one. ``amount_minor``, minimum and cap are in the currency of the quote, gross or net as
    prices are shown. ``cap_minor`` bounds what one promotion takes off.
    """

    id: int
    kind: PromotionKind
    label: str
    code: str | None = None
    percent_bp: int = WHOLE_BP
    amount_minor: int = 0
    is_per_piece: bool = False
    tiers: tuple[Tier, ...] = ()
    tier_unit: TierUnit = TierUnit.COUNT
    buy: int = 1
    get: int = 1
    get_scope: Scope | None = None
    times: int | None = None
    delivery_codes: frozenset[str] = frozenset()
    cap_minor: int | None = None
    scope: Scope = EVERYTHING
    minimum_minor: int = 0
    minimum_count: int = 0
    groups: frozenset[str] = frozenset()
    stacking: Stacking = Stacking.COMBINABLE
    stack_group: str = ""
    priority: int = 0


class MissedReason(StrEnum):
    """Why a code or promotion does not count. Those before the blank line are found outside, those after it by the quote itself."""

    EXPIRED = "expired"
    NOT_YET = "not_yet"
    USED_UP = "used_up"
    USED_BY_YOU = "used_by_you"
    LOG_IN = "log_in"

    UNKNOWN = "unknown"
    TWICE = "twice"
    GROUP = "group"
    NO_GOODS = "no_goods"
    MINIMUM_AMOUNT = "minimum_amount"
    MINIMUM_COUNT = "minimum_count"
    BUY_MORE = "buy_more"
    NEXT_TIER = "next_tier"
    NO_DELIVERY = "no_delivery"
    BETTER = "better"
    EXCLUSIVE = "exclusive"
    NOTHING_LEFT = "nothing_left"


REACHABLE = frozenset({MissedReason.MINIMUM_AMOUNT, MissedReason.MINIMUM_COUNT, MissedReason.BUY_MORE, MissedReason.NEXT_TIER})


@dataclass(frozen=True, slots=True, kw_only=True)
class Missed:
    """A code or promotion that does not count, and what would make it.

    ``missing_minor`` or ``missing_count`` say how much more of its goods it takes; ``other`` names the promotion that counts instead. ``NEXT_TIER``
    speaks of a promotion that counts and could give more. ``on`` is a date for ``EXPIRED`` and ``NOT_YET``, as ISO text.
    """

    reason: MissedReason
    code: str | None = None
    promotion_id: int | None = None
    label: str = ""
    missing_minor: int | None = None
    missing_count: int | None = None
    other: str = ""
    on: str = ""
    scope: Scope = EVERYTHING

    @property
    def is_reachable(self) -> bool:
        """Can the customer make it count by putting more in?"""
        return self.reason in REACHABLE

    @property
    def concerns_customer(self) -> bool:
        """Whoever typed a code wants an answer; of automatic promotions only what they can still reach is told."""
        return self.code is not None or self.is_reachable
