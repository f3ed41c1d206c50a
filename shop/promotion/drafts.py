"""A promotion as staff writes it, before it is kept; and what is wrong with it. No database: pages, JSON and commands share these rules."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from flask_babel import gettext as _

from shop.pricing.promotions import PromotionKind, Stacking, Tier, TierUnit
from shop.pricing.rounding import WHOLE_BP

MOST_TIERS = 10
MOST_TARGETS = 200
NAME_MAX = 120
Kind = PromotionKind


@dataclass(frozen=True, slots=True, kw_only=True)
class Targets:
    """Goods by their ids: categories with all below them, products, variants."""

    category_ids: tuple[int, ...] = ()
    product_ids: tuple[int, ...] = ()
    variant_ids: tuple[int, ...] = ()

    def __len__(self) -> int:
        return len(self.category_ids) + len(self.product_ids) + len(self.variant_ids)


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """Everything that staff says about a promotion; what each kind reads stands in ``shop.pricing.promotions``.

    ``scope`` None is for all goods; ``get_scope`` None: what one gets is of the same goods. ``names`` are by language.
    """

    kind: PromotionKind
    names: Mapping[str, str]
    percent_bp: int = WHOLE_BP
    amount_minor: int = 0
    is_per_piece: bool = False
    tiers: tuple[Tier, ...] = ()
    tier_unit: TierUnit = TierUnit.COUNT
    buy: int = 1
    get: int = 1
    times: int | None = None
    cap_minor: int | None = None
    delivery_codes: tuple[str, ...] = ()
    scope: Targets | None = None
    get_scope: Targets | None = None
    group_id: int | None = None
    minimum_minor: int = 0
    minimum_count: int = 0
    needs_code: bool = False
    stacking: Stacking = Stacking.COMBINABLE
    stack_group: str = ""
    priority: int = 0
    valid_from: datetime | None = None
    valid_until: datetime | None = None
    max_uses: int | None = None
    max_uses_each: int | None = None

    def columns(self) -> dict[str, Any]:
        """What the table keeps of it; names, goods and tiers have tables of their own."""
        kept = (
            "kind percent_bp amount_minor is_per_piece tier_unit buy get times cap_minor group_id minimum_minor minimum_count needs_code stacking "
            "stack_group priority valid_from valid_until max_uses max_uses_each"
        )
        columns = {name: getattr(self, name) for name in kept.split()}
        return {
            **columns,
            "delivery_codes": " ".join(self.delivery_codes),
            "is_scoped": self.scope is not None,
            "is_get_scoped": self.get_scope is not None,
        }


def find_mistakes(draft: Draft, *, default_locale: str) -> dict[str, list[str]]:
    """What is wrong, by JSON pointer. Bounds of single numbers are the fields' own affair."""
    found: dict[str, list[str]] = {}
    if not draft.names.get(default_locale, "").strip():
        found[f"/names/{default_locale}"] = [_("Please fill this in.")]
    if draft.kind is Kind.FIXED and draft.amount_minor < 1:
        found["/amount"] = [_("Say how much it takes off.")]
    if draft.kind is Kind.TIERS:
        found |= _wrong_tiers(draft.tiers)
    if draft.scope is not None and not draft.scope:
        found["/scope"] = [_("Name goods, or let it be for everything.")]
    if draft.get_scope is not None and not draft.get_scope:
        found["/get_scope"] = [_("Name the goods that one gets, or let them be the same.")]
    if draft.valid_from and draft.valid_until and draft.valid_from >= draft.valid_until:
        found["/valid_until"] = [_("The end comes after the beginning.")]
    if draft.stacking is Stacking.BEST and not draft.stack_group:
        found["/stack_group"] = [_("Say among which offers the best one counts: a word that they share.")]
    return found


def _wrong_tiers(tiers: tuple[Tier, ...]) -> dict[str, list[str]]:
    if not 1 <= len(tiers) <= MOST_TIERS:
        return {"/tiers": [_("Write one to %(count)d steps.", count=MOST_TIERS)]}
    if len({tier.at_least for tier in tiers}) < len(tiers):
        return {"/tiers": [_("Two steps begin at the same number.")]}
    if any(bool(tier.percent_bp) == bool(tier.off_piece_minor) for tier in tiers):
        return {"/tiers": [_("Each step takes off a percentage or an amount of each piece: one of the two.")]}
    return {}
