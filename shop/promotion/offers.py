"""Which promotions a quote gets: those that hold now, and for the others why not. Few and seldom changed, so they are kept in memory.

What changes with every order (how often a promotion was used, and by whom) is never kept: whoever quotes reads it with the lines of the cart and hands
it in as ``Looked``. Whoever changes the tables calls ``touch_topic("promotions")``.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any
from zoneinfo import ZoneInfo

from flask import current_app
from sqlalchemy import Row, select

from shop.customer.models import CustomerGroup
from shop.db import rows
from shop.pricing.promotions import EVERYTHING, Missed, MissedReason, Promotion, Scope, Tier
from shop.promotion.models import Promotion as PromotionRow
from shop.promotion.models import PromotionTarget, PromotionText, PromotionTier, TargetRole
from shop.settings.queries import kept

TOPIC = "promotions"
NOTHING = Scope(variant_ids=frozenset({0}))
"""What a promotion is for whose goods are all gone: no variant has this id."""

OFFERS = (
    select(PromotionRow.__table__, CustomerGroup.code.label("group_code"), PromotionText.locale, PromotionText.name)
    .outerjoin(PromotionText, PromotionText.promotion_id == PromotionRow.id)
    .outerjoin(CustomerGroup, CustomerGroup.id == PromotionRow.group_id)
    .where(PromotionRow.ended_at.is_(None))
    .order_by(PromotionRow.id)
)
_running = select(PromotionRow.id).where(PromotionRow.ended_at.is_(None))
TARGETS = select(PromotionTarget.__table__).where(PromotionTarget.promotion_id.in_(_running))
TIERS = select(PromotionTier.__table__).where(PromotionTier.promotion_id.in_(_running)).order_by(PromotionTier.at_least)


class Standing(StrEnum):
    """How a promotion stood a moment ago, for this customer."""

    OPEN = "open"
    ENDED = "ended"
    USED_UP = "used_up"
    USED_BY_YOU = "used_by_you"


@dataclass(frozen=True, slots=True)
class Looked:
    """A promotion whose limits were just looked at: one whose code lies in the cart, or an automatic one with a limit (then without code)."""

    promotion_id: int
    standing: Standing
    code_id: int | None = None
    code: str | None = None


@dataclass(frozen=True, slots=True)
class Offer:
    """A promotion as staff wrote it, in one language: what it does, and what is decided before the quote sees it."""

    promotion: Promotion
    needs_code: bool
    valid_from: datetime | None
    valid_until: datetime | None

    def holds(self, at: datetime) -> bool:
        """``valid_until`` itself is too late."""
        return (self.valid_from is None or self.valid_from <= at) and (self.valid_until is None or at < self.valid_until)


@dataclass(frozen=True, slots=True)
class Picked:
    """What a quote is given: promotions that hold, and what it says of those that do not."""

    promotions: tuple[Promotion, ...] = ()
    missed: tuple[Missed, ...] = ()


def pick_promotions(offers: Collection[Offer], looked: Iterable[Looked], *, is_member: bool, zone: ZoneInfo, at: datetime) -> Picked:
    """Of everything that staff wrote, what counts at this moment for this customer. A pure function of its arguments."""
    found = list(looked)
    closed = {one.promotion_id for one in found if one.code is None and one.standing is not Standing.OPEN}
    promotions = [offer.promotion for offer in offers if not offer.needs_code and offer.holds(at) and offer.promotion.id not in closed]
    missed: list[Missed] = []
    by_id = {offer.promotion.id: offer for offer in offers if offer.needs_code}
    for one in found:
        if one.code is None:
            continue
        offer = by_id.get(one.promotion_id)
        refused = _refusal(one, offer, is_member=is_member, zone=zone, at=at)
        if offer is None or refused is not None:
            missed.append(refused or Missed(reason=MissedReason.EXPIRED, code=one.code, promotion_id=one.promotion_id))
        else:
            promotions.append(replace(offer.promotion, code=one.code))
    return Picked(tuple(promotions), tuple(missed))


def _refusal(one: Looked, offer: Offer | None, *, is_member: bool, zone: ZoneInfo, at: datetime) -> Missed | None:
    """Why a code does not count, where that is known before any goods are looked at."""
    reason, on = None, ""
    if offer is None or one.standing is Standing.ENDED:
        reason = MissedReason.EXPIRED
    elif offer.valid_from is not None and at < offer.valid_from:
        reason, on = MissedReason.NOT_YET, offer.valid_from.astimezone(zone).date().isoformat()
    elif offer.valid_until is not None and offer.valid_until <= at:
        reason, on = MissedReason.EXPIRED, _last_day(offer.valid_until, zone)
    elif one.standing is not Standing.OPEN:
        reason = MissedReason.USED_UP if one.standing is Standing.USED_UP else MissedReason.USED_BY_YOU
    elif offer.promotion.groups and not is_member:
        reason = MissedReason.LOG_IN
    if reason is None:
        return None
    return Missed(reason=reason, code=one.code, promotion_id=one.promotion_id, label=offer.promotion.label if offer else "", on=on)


def _last_day(until: datetime, zone: ZoneInfo) -> str:
    """The last day on which it counted: what ends with a midnight ended the day before, as people say."""
    return (until - timedelta(microseconds=1)).astimezone(zone).date().isoformat()


def shop_zone() -> ZoneInfo:
    """Where the shop's days begin."""
    return ZoneInfo(current_app.extensions["config"].timezone)


def list_offers(locale: str) -> tuple[Offer, ...]:
    """Every promotion that staff did not end, in ``locale``; kept in memory."""
    return kept(TOPIC, ("offers", locale), lambda: _read_offers(locale))


def _read_offers(locale: str) -> tuple[Offer, ...]:
    by_id: dict[int, list[Row[Any]]] = defaultdict(list)
    for found in rows(OFFERS):
        by_id[found.id].append(found)
    targets: dict[int, list[Row[Any]]] = defaultdict(list)
    for target in rows(TARGETS):
        targets[target.promotion_id].append(target)
    tiers: dict[int, list[Tier]] = defaultdict(list)
    for tier in rows(TIERS):
        tiers[tier.promotion_id].append(Tier(tier.at_least, tier.percent_bp, tier.off_piece_minor))
    return tuple(_offer(texts, targets[id_], tuple(tiers[id_]), locale) for id_, texts in by_id.items())


def _offer(texts: Sequence[Row[Any]], targets: Sequence[Row[Any]], tiers: tuple[Tier, ...], locale: str) -> Offer:
    raw = texts[0]
    promotion = Promotion(
        id=raw.id,
        kind=raw.kind,
        label=_label(texts, locale),
        percent_bp=raw.percent_bp,
        amount_minor=raw.amount_minor,
        is_per_piece=raw.is_per_piece,
        tiers=tiers,
        tier_unit=raw.tier_unit,
        buy=raw.buy,
        get=raw.get,
        get_scope=_scope(targets, TargetRole.GET) if raw.is_get_scoped else None,
        times=raw.times,
        delivery_codes=frozenset(raw.delivery_codes.split()),
        cap_minor=raw.cap_minor,
        scope=_scope(targets, TargetRole.SCOPE) if raw.is_scoped else EVERYTHING,
        minimum_minor=raw.minimum_minor,
        minimum_count=raw.minimum_count,
        groups=frozenset([raw.group_code] if raw.group_code else ()),
        stacking=raw.stacking,
        stack_group=raw.stack_group,
        priority=raw.priority,
    )
    return Offer(promotion, raw.needs_code, raw.valid_from, raw.valid_until)


def _label(texts: Sequence[Row[Any]], locale: str) -> str:
    """In the wanted language, else the shop's first, else any."""
    wished = (locale, *current_app.extensions["config"].locales)
    best = min(texts, key=lambda text: wished.index(text.locale) if text.locale in wished else len(wished))
    return best.name or ""


def _scope(targets: Sequence[Row[Any]], role: TargetRole) -> Scope:
    named = [target for target in targets if target.role is role]
    scope = Scope(
        category_ids=frozenset(target.category_id for target in named if target.category_id is not None),
        product_ids=frozenset(target.product_id for target in named if target.product_id is not None),
        variant_ids=frozenset(target.variant_id for target in named if target.variant_id is not None),
    )
    return NOTHING if scope.is_everything else scope
