"""Promotions in the JSON of staff: what may be sent and what is answered. A change names everything: what it leaves out becomes as in a new one."""

from __future__ import annotations

from typing import Any

from marshmallow import ValidationError, fields, validate, validates_schema

from shop.catalog.staff_schemas import ByLocale, Moment
from shop.money import MAX_MINOR, Money
from shop.pricing.promotions import PromotionKind, Stacking, Tier, TierUnit
from shop.pricing.rounding import WHOLE_BP
from shop.promotion.codes import LONGEST_PREFIX
from shop.promotion.drafts import MOST_TARGETS, MOST_TIERS, NAME_MAX, Draft, Targets
from shop.promotion.models import LONGEST_CODE, MOST_PIECES, MOST_PRIORITY, MOST_USES
from shop.promotion.queries import PromotionState
from shop.promotion.services import MOST_CODES
from shop.web.fields import Flag, MoneyAmount, ShopSchema, Text, WholeNumber
from shop.web.lists import Word
from shop.web.pagination import CURSOR_MAX

MONEY = ("amount", "minimum", "cap")


class TargetsSchema(ShopSchema):
    """Goods by their ids; a category counts with all below it."""

    category_ids = fields.List(WholeNumber(low=1), load_default=(), validate=validate.Length(max=MOST_TARGETS))
    product_ids = fields.List(WholeNumber(low=1), load_default=(), validate=validate.Length(max=MOST_TARGETS))
    variant_ids = fields.List(WholeNumber(low=1), load_default=(), validate=validate.Length(max=MOST_TARGETS))


class TierSchema(ShopSchema):
    """From ``at_least`` pieces or minor units on: basis points off, or minor units off each piece."""

    at_least = WholeNumber(low=1, high=MAX_MINOR, required=True)
    percent_bp = WholeNumber(low=0, high=WHOLE_BP, load_default=0)
    off_piece_minor = WholeNumber(low=0, high=MAX_MINOR, load_default=0)


class PromotionBodySchema(ShopSchema):
    """A promotion. ``scope`` null is for everything; ``get_scope`` null: what one gets is of the same goods."""

    kind = Word(PromotionKind, required=True)
    names = ByLocale(Text(maximum=NAME_MAX, minimum=1), required=True, example={"en": "Summer sale"})
    percent_bp = WholeNumber(low=1, high=WHOLE_BP, load_default=WHOLE_BP)
    amount = MoneyAmount(low=1, allow_none=True, load_default=None)
    is_per_piece = Flag(load_default=False)
    tiers = fields.List(fields.Nested(TierSchema), load_default=(), validate=validate.Length(max=MOST_TIERS))
    tier_unit = Word(TierUnit, load_default=TierUnit.COUNT)
    buy = WholeNumber(low=1, high=MOST_PIECES, load_default=1)
    get = WholeNumber(low=1, high=MOST_PIECES, load_default=1)
    times = WholeNumber(low=1, high=MOST_PIECES, allow_none=True, load_default=None)
    cap = MoneyAmount(low=1, allow_none=True, load_default=None)
    delivery_codes = fields.List(Text(maximum=40, minimum=1), load_default=(), validate=validate.Length(max=20))
    scope = fields.Nested(TargetsSchema, allow_none=True, load_default=None)
    get_scope = fields.Nested(TargetsSchema, allow_none=True, load_default=None)
    group_id = WholeNumber(low=1, allow_none=True, load_default=None)
    minimum = MoneyAmount(low=0, allow_none=True, load_default=None)
    minimum_count = WholeNumber(low=0, high=MOST_PIECES, load_default=0)
    needs_code = Flag(load_default=False)
    stacking = Word(Stacking, load_default=Stacking.COMBINABLE)
    stack_group = Text(maximum=40, load_default="")
    priority = WholeNumber(low=-MOST_PRIORITY, high=MOST_PRIORITY, load_default=0)
    valid_from = Moment(allow_none=True, load_default=None)
    valid_until = Moment(allow_none=True, load_default=None)
    max_uses = WholeNumber(low=1, high=MOST_USES, allow_none=True, load_default=None)
    max_uses_each = WholeNumber(low=1, high=MOST_USES, allow_none=True, load_default=None)

    @validates_schema(pass_original=True)
    def _names_its_percent(self, _read: dict[str, Any], sent: Any, **_more: Any) -> None:
        """A percentage that nobody named would be the whole price."""
        if isinstance(sent, dict) and sent.get("kind") == PromotionKind.PERCENT.value and "percent_bp" not in sent:
            raise ValidationError("Send percent_bp: 1000 takes off 10 %.", "percent_bp")


class PromotionChangeSchema(PromotionBodySchema):
    """The same, with the ``version`` that was read: another one is refused."""

    version = WholeNumber(low=1, load_default=None)


class PromotionRecordSchema(PromotionBodySchema):
    """A promotion as staff sees it."""

    id = fields.Integer()
    version = fields.Integer()
    state = Word(PromotionState)
    used = fields.Integer()
    ended_at = Text(allow_none=True)


class PromotionItemSchema(ShopSchema):
    """A promotion in the list; ``url`` is the whole record."""

    id = fields.Integer()
    url = Text()
    name = Text()
    kind = Text()
    state = Text()
    used = fields.Integer()
    codes = fields.Integer()


class PromotionListSchema(ShopSchema):
    """Newest first; ``next`` is the address of the following page, or null."""

    items = fields.List(fields.Nested(PromotionItemSchema))
    next = Text(allow_none=True)


class PromotionQuerySchema(ShopSchema):
    state = Word(PromotionState, load_default=None)
    q = Text(maximum=200, load_default="")
    cursor = Text(maximum=CURSOR_MAX, load_default=None)


class CodePageSchema(ShopSchema):
    cursor = Text(maximum=CURSOR_MAX, load_default=None)


class CodeBodySchema(ShopSchema):
    code = Text(maximum=LONGEST_CODE, minimum=1, required=True)
    max_uses = WholeNumber(low=1, high=MOST_USES, allow_none=True, load_default=None)


class BatchBodySchema(ShopSchema):
    """``max_uses`` is of each code."""

    count = WholeNumber(low=1, high=MOST_CODES, required=True)
    prefix = Text(maximum=LONGEST_PREFIX, load_default="")
    batch = Text(maximum=80, load_default="")
    max_uses = WholeNumber(low=1, high=MOST_USES, allow_none=True, load_default=1)


class BatchAnswerSchema(ShopSchema):
    codes = fields.List(fields.String())


class CodeRecordSchema(ShopSchema):
    id = fields.Integer()
    code = fields.String()
    batch = fields.String()
    max_uses = fields.Integer(allow_none=True)
    used = fields.Integer()
    ended_at = Text(allow_none=True)


class CodeListSchema(ShopSchema):
    """Newest first."""

    items = fields.List(fields.Nested(CodeRecordSchema))
    next = Text(allow_none=True)


def read_draft(sent: dict[str, Any]) -> Draft:
    """A body as a draft."""
    values = {name: value for name, value in sent.items() if name not in {*MONEY, "version"}}
    amounts = {f"{name}_minor": sent[name].minor if sent[name] else None for name in MONEY}
    return Draft(
        **{
            **values,
            "amount_minor": amounts["amount_minor"] or 0,
            "minimum_minor": amounts["minimum_minor"] or 0,
            "cap_minor": amounts["cap_minor"],
            "tiers": tuple(Tier(**tier) for tier in sent["tiers"]),
            "delivery_codes": tuple(sent["delivery_codes"]),
            "scope": _read_targets(sent["scope"]),
            "get_scope": _read_targets(sent["get_scope"]),
        }
    )


def _read_targets(sent: dict[str, Any] | None) -> Targets | None:
    return None if sent is None else Targets(**{name: tuple(ids) for name, ids in sent.items()})


def dump_draft(draft: Draft, currency: str) -> dict[str, Any]:
    """A draft as JSON, in the shape in which it may be sent again."""

    def money(minor: int | None) -> dict[str, int | str] | None:
        return Money(minor, currency).dump() if minor else None

    def targets(named: Targets | None) -> dict[str, list[int]] | None:
        if named is None:
            return None
        return {name: list(getattr(named, name)) for name in ("category_ids", "product_ids", "variant_ids")}

    return {
        **{name: value for name, value in draft.columns().items() if not name.endswith("_minor") and not name.endswith("scoped")},
        "kind": draft.kind.value,
        "tier_unit": draft.tier_unit.value,
        "stacking": draft.stacking.value,
        "names": dict(draft.names),
        "amount": money(draft.amount_minor),
        "minimum": money(draft.minimum_minor),
        "cap": money(draft.cap_minor),
        "tiers": [
            {"at_least": tier.at_least, "percent_bp": tier.percent_bp, "off_piece_minor": tier.off_piece_minor} for tier in draft.tiers
        ],
        "delivery_codes": list(draft.delivery_codes),
        "scope": targets(draft.scope),
        "get_scope": targets(draft.get_scope),
        "valid_from": draft.valid_from and draft.valid_from.isoformat(),
        "valid_until": draft.valid_until and draft.valid_until.isoformat(),
    }
