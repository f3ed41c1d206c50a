"""Applying promotions to goods and a delivery: what each takes off, shared over the lines, and which did not count and why.

In which order, and which beside which, is said at the head of ``promotions``. Shares are found by largest remainders and sum to the whole.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass

from shop.money import split
from shop.pricing.bargains import count_free, pick_cheapest
from shop.pricing.goods import Item
from shop.pricing.promotions import EVERYTHING, Missed, MissedReason, Promotion, PromotionKind, Scope, Stacking, Tier, TierUnit
from shop.pricing.rounding import round_half_up, share_of

KIND_ORDER = {kind: at for at, kind in enumerate(PromotionKind)}


@dataclass(frozen=True, slots=True)
class Discount:
    """What one promotion took off. ``base_minor`` is what it looked at, ``shares`` are by line, ``delivery_minor`` is off the delivery; both positive."""

    promotion_id: int
    code: str | None
    kind: PromotionKind
    label: str
    base_minor: int
    shares: tuple[int, ...]
    delivery_minor: int

    @property
    def amount_minor(self) -> int:
        return sum(self.shares) + self.delivery_minor


@dataclass(frozen=True, slots=True)
class Offers:
    """What the promotions come to for these goods."""

    discounts: tuple[Discount, ...] = ()
    missed: tuple[Missed, ...] = ()

    @property
    def saving_minor(self) -> int:
        return sum(discount.amount_minor for discount in self.discounts)

    @property
    def delivery_off_minor(self) -> int:
        return sum(discount.delivery_minor for discount in self.discounts)


@dataclass(frozen=True, slots=True)
class _Candidate:
    """A promotion whose goods, group and minimum fit, with the lines in its scope and, for ``buy_get``, in its second scope."""

    promotion: Promotion
    lines: Sequence[int]
    got: Sequence[int] = ()
    tier: Tier | None = None

    @property
    def rank(self) -> tuple[int, int, int]:
        return -self.promotion.priority, KIND_ORDER[self.promotion.kind], self.promotion.id


@dataclass(slots=True)
class _Goods:
    """The lines while promotions are taken off them; ``left`` and ``delivery_left`` shrink."""

    items: Sequence[Item]
    bases: Sequence[int]
    left: list[int]
    delivery_code: str | None
    delivery_left: int

    def again(self) -> _Goods:
        """The same with nothing taken off yet."""
        return _Goods(self.items, self.bases, list(self.bases), self.delivery_code, self.delivery_left)


def find_offers(
    items: Sequence[Item],
    promotions: Iterable[Promotion],
    *,
    codes: Collection[str] = (),
    groups: Collection[str] = (),
    missed: Iterable[Missed] = (),
    delivery_code: str | None = None,
    delivery_minor: int = 0,
) -> Offers:
    """What the promotions take off these goods and their delivery. ``missed`` are those that were refused outside; they are passed on.

    The order of promotions does not matter; that of the items decides between equal remainders alone.
    """
    bases = [item.base_minor for item in items]
    goods = _Goods(items, bases, list(bases), delivery_code, delivery_minor)
    out = list(missed)
    candidates = []
    for promotion in _once_each(promotions, out):
        found = _weigh(promotion, goods, frozenset(groups))
        if isinstance(found, Missed):
            out.append(found)
        else:
            candidates.append(found)
    known = {told.code for told in out} | {one.promotion.code for one in candidates}
    out += [Missed(reason=MissedReason.UNKNOWN, code=code) for code in sorted(set(codes) - known)]
    offers = _choose(candidates, goods, out)
    return Offers(offers.discounts, tuple(sorted(offers.missed, key=_missed_key)))


def _once_each(promotions: Iterable[Promotion], out: list[Missed]) -> list[Promotion]:
    """Each promotion once, however many of its codes were typed."""
    kept: dict[int, Promotion] = {}
    ordered = sorted(promotions, key=lambda one: (one.id, one.code or ""))
    out += [_miss(one, MissedReason.TWICE) for one in ordered if kept.setdefault(one.id, one) is not one]
    return list(kept.values())


# Does it fit at all?


def _weigh(promotion: Promotion, goods: _Goods, groups: frozenset[str]) -> _Candidate | Missed:
    if promotion.groups and promotion.groups.isdisjoint(groups):
        return _miss(promotion, MissedReason.GROUP)
    lines = _in_scope(promotion.scope, goods)
    if not lines:
        return _miss(promotion, MissedReason.NO_GOODS)
    amount, count = sum(goods.bases[at] for at in lines), sum(goods.items[at].quantity for at in lines)
    if amount < promotion.minimum_minor:
        return _miss(promotion, MissedReason.MINIMUM_AMOUNT, missing_minor=promotion.minimum_minor - amount)
    if count < promotion.minimum_count:
        return _miss(promotion, MissedReason.MINIMUM_COUNT, missing_count=promotion.minimum_count - count)
    weigh = WEIGH.get(promotion.kind)
    return weigh(promotion, lines, goods) if weigh else _Candidate(promotion, lines)


def _in_scope(scope: Scope, goods: _Goods) -> Sequence[int]:
    if scope.is_everything:
        return range(len(goods.items))
    return [at for at, item in enumerate(goods.items) if scope.holds(item)]


def _weigh_delivery(promotion: Promotion, lines: Sequence[int], goods: _Goods) -> _Candidate | Missed:
    fits = not promotion.delivery_codes or goods.delivery_code in promotion.delivery_codes
    return _Candidate(promotion, lines) if fits and goods.delivery_left else _miss(promotion, MissedReason.NO_DELIVERY)


def _weigh_tiers(promotion: Promotion, lines: Sequence[int], goods: _Goods) -> _Candidate | Missed:
    reached = sum(goods.bases[at] for at in lines) if promotion.tier_unit is TierUnit.AMOUNT else _pieces(lines, goods)
    fitting = [tier for tier in sorted(promotion.tiers) if tier.at_least <= reached]
    if fitting:
        return _Candidate(promotion, lines, tier=fitting[-1])
    if not promotion.tiers:
        return _miss(promotion, MissedReason.NO_GOODS)
    missing = min(promotion.tiers).at_least - reached
    if promotion.tier_unit is TierUnit.AMOUNT:
        return _miss(promotion, MissedReason.MINIMUM_AMOUNT, missing_minor=missing)
    return _miss(promotion, MissedReason.MINIMUM_COUNT, missing_count=missing)


def _weigh_bargain(promotion: Promotion, lines: Sequence[int], goods: _Goods) -> _Candidate | Missed:
    got = lines if promotion.get_scope is None else _in_scope(promotion.get_scope, goods)
    if not got:
        return _miss(promotion, MissedReason.BUY_MORE, missing_count=1, scope=promotion.get_scope or EVERYTHING)
    only_got, all_bought = _pieces(set(got) - set(lines), goods), _pieces(lines, goods)
    missing = promotion.buy + (0 if only_got else 1) - all_bought
    if missing > 0:
        return _miss(promotion, MissedReason.BUY_MORE, missing_count=missing, scope=promotion.scope)
    return _Candidate(promotion, lines, got)


WEIGH = {
    PromotionKind.FREE_DELIVERY: _weigh_delivery,
    PromotionKind.TIERS: _weigh_tiers,
    PromotionKind.BUY_GET: _weigh_bargain,
}


def _pieces(lines: Iterable[int], goods: _Goods) -> int:
    return sum(goods.items[at].quantity for at in lines)


# Which of those that fit


def _choose(candidates: list[_Candidate], goods: _Goods, out: list[Missed]) -> Offers:
    """The best of each group; then all that combine, or one that stands alone, whichever saves more."""
    candidates = _best_of_groups(candidates, goods, out)
    others = [one for one in candidates if one.promotion.stacking is not Stacking.EXCLUSIVE]
    alone = sorted((one for one in candidates if one.promotion.stacking is Stacking.EXCLUSIVE), key=lambda one: one.rank)
    best, chosen = _apply(others, goods.again()), None
    for one in alone:
        offers = _apply([one], goods.again())
        if offers.saving_minor > best.saving_minor:
            best, chosen = offers, one
    if chosen:
        out += [_miss(one.promotion, MissedReason.EXCLUSIVE, other=chosen.promotion.label) for one in others]
    first = best.discounts[0].label if best.discounts else ""
    reason = MissedReason.BETTER if best.discounts else MissedReason.NOTHING_LEFT
    out += [_miss(one.promotion, reason, other=first) for one in alone if one is not chosen]
    return Offers(best.discounts, (*out, *best.missed))


def _best_of_groups(candidates: list[_Candidate], goods: _Goods, out: list[Missed]) -> list[_Candidate]:
    by_group: dict[str, list[_Candidate]] = {}
    kept = []
    for one in candidates:
        if one.promotion.stacking is Stacking.BEST:
            by_group.setdefault(one.promotion.stack_group, []).append(one)
        else:
            kept.append(one)
    for rivals in by_group.values():
        best = min(rivals, key=lambda one: (-_apply([one], goods.again()).saving_minor, one.rank[0], one.promotion.id))
        kept.append(best)
        out += [_miss(one.promotion, MissedReason.BETTER, other=best.promotion.label) for one in rivals if one is not best]
    return kept


# What each takes off


def _apply(candidates: Iterable[_Candidate], goods: _Goods) -> Offers:
    """All of them, one after the other, each from what is left."""
    discounts: list[Discount] = []
    missed: list[Missed] = []
    for one in sorted(candidates, key=lambda one: one.rank):
        discount = _take_off(one, goods)
        if discount.amount_minor:
            discounts.append(discount)
        else:
            missed.append(_miss(one.promotion, MissedReason.NOTHING_LEFT))
        missed += _next_tier(one, goods)
    return Offers(tuple(discounts), tuple(missed))


def _take_off(one: _Candidate, goods: _Goods) -> Discount:
    promotion, shares, delivery, base = one.promotion, [0] * len(goods.items), 0, 0
    if promotion.kind is PromotionKind.FREE_DELIVERY:
        base = goods.delivery_left
        delivery = share_of(base, promotion.percent_bp)
        delivery = delivery if promotion.cap_minor is None else min(delivery, promotion.cap_minor)
        goods.delivery_left -= delivery
    else:
        base = sum(goods.left[at] for at in one.got or one.lines)
        for at, off in _capped(_offs(one, goods, base), promotion.cap_minor):
            shares[at] = off
            goods.left[at] -= off
    return Discount(promotion.id, promotion.code, promotion.kind, promotion.label, base, tuple(shares), delivery)


def _offs(one: _Candidate, goods: _Goods, base: int) -> list[tuple[int, int]]:
    """By line what would be taken off without a cap."""
    promotion, lines = one.promotion, one.lines
    if promotion.kind is PromotionKind.BUY_GET:
        return _offs_of_bargain(one, goods)
    if promotion.kind is PromotionKind.PERCENT:
        return _shared(share_of(base, promotion.percent_bp), lines, goods)
    if promotion.kind is PromotionKind.FIXED and not promotion.is_per_piece:
        return _shared(min(promotion.amount_minor, base), lines, goods)
    off_piece = promotion.amount_minor
    if one.tier is not None:
        if one.tier.percent_bp:
            return _shared(share_of(base, one.tier.percent_bp), lines, goods)
        off_piece = one.tier.off_piece_minor
    return [(at, min(off_piece * goods.items[at].quantity, goods.left[at])) for at in lines]


def _shared(off: int, lines: Sequence[int], goods: _Goods) -> list[tuple[int, int]]:
    """Shared by what is left of each line; no share is larger than that, because ``off`` is not larger than all of it."""
    if not off:
        return []
    return list(zip(lines, split(off, [goods.left[at] for at in lines]), strict=True))


def _offs_of_bargain(one: _Candidate, goods: _Goods) -> list[tuple[int, int]]:
    promotion, both = one.promotion, set(one.lines)
    only_got = _pieces((at for at in one.got if at not in both), goods)
    shared = _pieces((at for at in one.got if at in both), goods)
    bought = _pieces(one.lines, goods)
    free, from_bought = count_free(
        bought=bought, shared=shared, only_got=only_got, buy=promotion.buy, get=promotion.get, times=promotion.times
    )
    shelves = [(goods.items[at].unit_price_minor, goods.items[at].variant_id, at) for at in one.got]
    picked = pick_cheapest([(at, goods.items[at].quantity, at in both) for _, _, at in sorted(shelves)], free, from_bought)
    return [(at, round_half_up(goods.left[at] * pieces * promotion.percent_bp, goods.items[at].quantity * 10_000)) for at, pieces in picked]


def _capped(offs: list[tuple[int, int]], cap: int | None) -> list[tuple[int, int]]:
    whole = sum(off for _, off in offs)
    if cap is None or whole <= cap:
        return offs
    return list(zip((at for at, _ in offs), split(cap, [off for _, off in offs]), strict=True))


def _next_tier(one: _Candidate, goods: _Goods) -> list[Missed]:
    """What the next tier would take, where there is one."""
    tier, promotion = one.tier, one.promotion
    higher = min((other for other in promotion.tiers if tier and other.at_least > tier.at_least), default=None)
    if higher is None:
        return []
    if promotion.tier_unit is TierUnit.AMOUNT:
        missing = higher.at_least - sum(goods.bases[at] for at in one.lines)
        return [_miss(promotion, MissedReason.NEXT_TIER, missing_minor=missing)]
    return [_miss(promotion, MissedReason.NEXT_TIER, missing_count=higher.at_least - _pieces(one.lines, goods))]


# Saying so


def _miss(
    promotion: Promotion,
    reason: MissedReason,
    *,
    missing_minor: int | None = None,
    missing_count: int | None = None,
    other: str = "",
    scope: Scope | None = None,
) -> Missed:
    return Missed(
        reason=reason,
        code=promotion.code,
        promotion_id=promotion.id,
        label=promotion.label,
        missing_minor=missing_minor,
        missing_count=missing_count,
        other=other,
        scope=scope or promotion.scope,
    )


def _missed_key(missed: Missed) -> tuple[object, ...]:
    return missed.code is None, missed.code or "", missed.promotion_id or 0, missed.reason
