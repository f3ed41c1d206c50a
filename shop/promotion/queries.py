"""Promotions as staff sees them: the list by state, one with everything about it, its codes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from flask import current_app
from flask_babel import gettext as _
from sqlalchemy import ColumnElement, Row, and_, bindparam, func, or_, select
from sqlalchemy.orm import aliased

from shop.catalog.models import Product, Variant
from shop.customer.models import CustomerGroup
from shop.db import connection, row, rows
from shop.errors import NotFound
from shop.pricing.promotions import Tier
from shop.promotion.drafts import Draft, Targets
from shop.promotion.models import Promotion, PromotionCode, PromotionTarget, PromotionText, PromotionTier, Redemption, TargetRole
from shop.web.pagination import Page, decode_cursor, encode_cursor

PAGE = 50
CODES_AT_ONCE = 1000

_own, _other = aliased(PromotionText), aliased(PromotionText)
_code_count = select(func.count()).where(PromotionCode.promotion_id == Promotion.id).correlate(Promotion).scalar_subquery()
LIST = (
    select(
        Promotion.__table__,
        func.coalesce(_own.name, _other.name, "").label("name"),
        _code_count.label("codes"),
    )
    .outerjoin(_own, and_(_own.promotion_id == Promotion.id, _own.locale == bindparam("locale")))
    .outerjoin(_other, and_(_other.promotion_id == Promotion.id, _other.locale == bindparam("default")))
    .order_by(Promotion.id.desc())
)
ONE = LIST.where(Promotion.id == bindparam("id"))
TEXTS = select(PromotionText.locale, PromotionText.name).where(PromotionText.promotion_id == bindparam("id"))
TARGETS = select(PromotionTarget.__table__).where(PromotionTarget.promotion_id == bindparam("id")).order_by(PromotionTarget.id)
TIERS = select(PromotionTier.__table__).where(PromotionTier.promotion_id == bindparam("id")).order_by(PromotionTier.at_least)
_uses = (
    select(func.count())
    .where(Redemption.code_id == PromotionCode.id, Redemption.released_at.is_(None))
    .correlate(PromotionCode)
    .scalar_subquery()
)
CODES = (
    select(PromotionCode.__table__, _uses.label("used"))
    .where(PromotionCode.promotion_id == bindparam("id"))
    .order_by(PromotionCode.id.desc())
)
GROUPS = select(CustomerGroup.id, CustomerGroup.name).order_by(CustomerGroup.name)
VARIANTS = select(Variant.id, Variant.sku).where(Variant.sku.in_(bindparam("words", expanding=True)), Variant.sku != "")
PRODUCTS = select(Product.id, Product.handle).where(Product.handle.in_(bindparam("words", expanding=True)))
SKUS = select(Variant.id, Variant.sku).where(Variant.id.in_(bindparam("ids", expanding=True)))
HANDLES = select(Product.id, Product.handle).where(Product.id.in_(bindparam("ids", expanding=True)))


class PromotionState(StrEnum):
    """Where a promotion stands."""

    PLANNED = "planned"
    RUNNING = "running"
    USED_UP = "used_up"
    OVER = "over"
    ENDED = "ended"


@dataclass(frozen=True, slots=True)
class StaffPromotion:
    """One promotion: its row, and everything that staff wrote as a draft."""

    row: Row[Any]
    draft: Draft

    @property
    def id(self) -> int:
        return int(self.row.id)

    @property
    def name(self) -> str:
        return str(self.row.name)


def state_of(promotion: Row[Any], at: datetime) -> PromotionState:
    if promotion.ended_at is not None:
        return PromotionState.ENDED
    if promotion.valid_until is not None and promotion.valid_until <= at:
        return PromotionState.OVER
    if promotion.max_uses is not None and promotion.used >= promotion.max_uses:
        return PromotionState.USED_UP
    if promotion.valid_from is not None and promotion.valid_from > at:
        return PromotionState.PLANNED
    return PromotionState.RUNNING


def _in_state(state: PromotionState, at: datetime) -> ColumnElement[bool]:
    is_over, is_ahead = and_(Promotion.valid_until.is_not(None), Promotion.valid_until <= at), Promotion.valid_from > at
    is_used_up = and_(Promotion.max_uses.is_not(None), Promotion.used >= Promotion.max_uses)
    goes_on = and_(Promotion.ended_at.is_(None), or_(Promotion.valid_until.is_(None), Promotion.valid_until > at))
    has_begun = or_(Promotion.valid_from.is_(None), Promotion.valid_from <= at)
    return {
        PromotionState.ENDED: Promotion.ended_at.is_not(None),
        PromotionState.OVER: and_(Promotion.ended_at.is_(None), is_over),
        PromotionState.USED_UP: and_(goes_on, is_used_up),
        PromotionState.PLANNED: and_(goes_on, ~is_used_up, is_ahead),
        PromotionState.RUNNING: and_(goes_on, ~is_used_up, has_begun),
    }[state]


def list_promotions(
    locale: str, *, state: PromotionState | None = None, search: str = "", cursor: str | None = None, at: datetime
) -> Page[Row[Any]]:
    """Newest first; found by words of the name, or by a code."""
    wanted = LIST.where(_in_state(state, at)) if state else LIST
    if words := search.strip():
        has_code = select(PromotionCode.id).where(PromotionCode.promotion_id == Promotion.id, PromotionCode.code == words.upper()).exists()
        has_name = select(PromotionText.locale).where(
            PromotionText.promotion_id == Promotion.id, PromotionText.name.icontains(words, autoescape=True)
        )
        wanted = wanted.where(or_(has_code, has_name.exists()))
    if cursor:
        wanted = wanted.where(Promotion.id < decode_cursor(cursor, int)[0])
    found = rows(wanted.limit(PAGE + 1), **_languages(locale))
    return Page(found[:PAGE], encode_cursor(found[PAGE - 1].id) if len(found) > PAGE else None)


def get_promotion(promotion_id: int, locale: str) -> StaffPromotion:
    """One with everything about it.

    Raises:
        NotFound: there is no such promotion.
    """
    found = row(ONE, id=promotion_id, **_languages(locale))
    if found is None:
        raise NotFound(_("There is no such promotion."))
    targets = rows(TARGETS, id=promotion_id)
    kept = {name: getattr(found, name) for name in Draft.__dataclass_fields__ if name in found._fields and name != "delivery_codes"}
    draft = Draft(
        **kept,
        names={text.locale: text.name for text in rows(TEXTS, id=promotion_id)},
        tiers=tuple(Tier(tier.at_least, tier.percent_bp, tier.off_piece_minor) for tier in rows(TIERS, id=promotion_id)),
        delivery_codes=tuple(found.delivery_codes.split()),
        scope=_targets(targets, TargetRole.SCOPE) if found.is_scoped else None,
        get_scope=_targets(targets, TargetRole.GET) if found.is_get_scoped else None,
    )
    return StaffPromotion(found, draft)


def _targets(found: Sequence[Row[Any]], role: TargetRole) -> Targets:
    named = [target for target in found if target.role is role]
    return Targets(
        category_ids=tuple(target.category_id for target in named if target.category_id is not None),
        product_ids=tuple(target.product_id for target in named if target.product_id is not None),
        variant_ids=tuple(target.variant_id for target in named if target.variant_id is not None),
    )


def _languages(locale: str) -> dict[str, str]:
    return {"locale": locale, "default": current_app.extensions["config"].locales[0]}


def list_codes(promotion_id: int, *, batch: str | None = None, cursor: str | None = None) -> Page[Row[Any]]:
    """The codes of a promotion, newest first, with how often each was used."""
    wanted = CODES if batch is None else CODES.where(PromotionCode.batch == batch)
    if cursor:
        wanted = wanted.where(PromotionCode.id < decode_cursor(cursor, int)[0])
    found = rows(wanted.limit(PAGE + 1), id=promotion_id)
    return Page(found[:PAGE], encode_cursor(found[PAGE - 1].id) if len(found) > PAGE else None)


def every_code(promotion_id: int) -> Iterator[Row[Any]]:
    """All codes of a promotion, newest first, a thousand at a time."""
    last = None
    while True:
        wanted = CODES if last is None else CODES.where(PromotionCode.id < last)
        found = connection().execute(wanted.limit(CODES_AT_ONCE), {"id": promotion_id}).all()
        yield from found
        if len(found) < CODES_AT_ONCE:
            return
        last = found[-1].id


def list_groups() -> Sequence[Row[Any]]:
    """Groups of customers by name."""
    return rows(GROUPS)


def find_goods(words: Sequence[str]) -> tuple[dict[str, int], dict[str, int]]:
    """SKUs and handles among these words: variants by SKU, products by handle."""
    if not words:
        return {}, {}
    return (
        {found.sku: found.id for found in rows(VARIANTS, words=list(words))},
        {found.handle: found.id for found in rows(PRODUCTS, words=list(words))},
    )


def name_goods(targets: Targets | None) -> list[str]:
    """The SKUs and handles of a promotion's goods, as staff types them."""
    if targets is None:
        return []
    skus = rows(SKUS, ids=list(targets.variant_ids)) if targets.variant_ids else ()
    handles = rows(HANDLES, ids=list(targets.product_ids)) if targets.product_ids else ()
    return [*(found.handle for found in handles), *(found.sku for found in skus)]
