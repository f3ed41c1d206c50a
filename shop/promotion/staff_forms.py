"""The forms of promotions and their codes."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

import wtforms
from flask import current_app
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

from shop.catalog.staff_forms.base import MomentField, SeenForm, ShelvesField, locales, made, spoken
from shop.catalog.staff_queries import StaffShelf
from shop.money import MAX_MINOR, Money, parse_amount
from shop.pricing.promotions import PromotionKind, Stacking, Tier, TierUnit
from shop.pricing.rounding import WHOLE_BP
from shop.promotion.codes import LONGEST_PREFIX
from shop.promotion.drafts import MOST_TARGETS, MOST_TIERS, NAME_MAX, Draft, Targets
from shop.promotion.models import LONGEST_CODE, MOST_PIECES, MOST_PRIORITY, MOST_USES
from shop.promotion.queries import StaffPromotion, find_goods, list_groups, name_goods
from shop.promotion.services import MOST_CODES
from shop.web.fields import ChoiceField, IntegerField, MoneyField, ShopForm, TextField, TickField

PERCENT = re.compile(r"(\d{1,3})(?:[.,](\d{1,2}))?\s*%?")
TIER = re.compile(r"\s*(\S+?)\s*[:=]\s*(.+?)\s*")
KINDS: dict[PromotionKind, Any] = {
    PromotionKind.PERCENT: _l("A percentage off the goods"),
    PromotionKind.FIXED: _l("An amount off the goods"),
    PromotionKind.FREE_DELIVERY: _l("The delivery for less, or free"),
    PromotionKind.BUY_GET: _l("Buy some, get some"),
    PromotionKind.TIERS: _l("The more, the cheaper"),
}
STACKINGS: dict[Stacking, Any] = {
    Stacking.COMBINABLE: _l("Together with others"),
    Stacking.BEST: _l("Only the best of its set"),
    Stacking.EXCLUSIVE: _l("Alone"),
}
UNITS: dict[TierUnit, Any] = {TierUnit.COUNT: _l("pieces"), TierUnit.AMOUNT: _l("their amount")}
PROBLEM_FIELDS = {"amount": "amount", "tiers": "tiers", "scope": "goods", "get_scope": "get_goods", "group_id": "group"}


class PercentField(TextField):
    """A percentage such as ``10`` or ``12.5``; ``data`` is in basis points."""

    def clean(self, text: str) -> Any:
        return read_percent(super().clean(text))

    def show(self, value: int) -> str:
        return show_percent(value)


class TiersField(TextField):
    """Steps, one on each line: ``3: 10 %`` or, off each piece, ``3: 2.00``."""

    def clean(self, text: str) -> Any:
        lines = [line for line in super().clean(text).splitlines() if line.strip()]
        if len(lines) > MOST_TIERS:
            raise ValueError(_("Write at most %(count)d lines.", count=MOST_TIERS))
        return tuple(_read_tier(line, _currency()) for line in lines)

    def show(self, value: Sequence[Tier]) -> str:
        return "\n".join(_show_tier(tier, _currency()) for tier in value)


class PromotionForm(SeenForm):
    """A promotion. ``promotion_form`` adds its names, and what there is to choose from."""

    kind = ChoiceField(_l("Gives"), choices=[(kind.value, words) for kind, words in KINDS.items()])
    percent = PercentField(_l("Percent off"), maximum=12)
    is_per_piece = TickField(_l("Off each piece, not off all together"))
    tiers = TiersField(_l("Steps"), maximum=500, multiline=True)
    tier_unit = ChoiceField(_l("Steps count"), choices=[(unit.value, words) for unit, words in UNITS.items()])
    buy = IntegerField(_l("Buy so many"), low=1, high=MOST_PIECES)
    get = IntegerField(_l("Get so many"), low=1, high=MOST_PIECES)
    times = IntegerField(_l("At most so many times in an order"), low=1, high=MOST_PIECES, optional=True)
    delivery_codes = TextField(_l("Codes of the deliveries"), maximum=200)
    goods = TextField(_l("Goods"), maximum=4000, multiline=True)
    get_goods = TextField(_l("Goods that one gets"), maximum=4000, multiline=True)
    group = ChoiceField(_l("For"), choices=[], coerce=int)
    minimum_count = IntegerField(_l("From so many pieces"), low=0, high=MOST_PIECES)
    needs_code = TickField(_l("Only with a code"))
    stacking = ChoiceField(_l("Counts"), choices=[(stacking.value, words) for stacking, words in STACKINGS.items()])
    stack_group = TextField(_l("Its set"), maximum=40)
    priority = IntegerField(_l("Comes first with a higher number"), low=-MOST_PRIORITY, high=MOST_PRIORITY)
    valid_from = MomentField(_l("From"), maximum=30)
    valid_until = MomentField(_l("Until"), maximum=30)
    max_uses = IntegerField(_l("Uses in all"), low=1, high=MOST_USES, optional=True)
    max_uses_each = IntegerField(_l("Uses for each customer"), low=1, high=MOST_USES, optional=True)

    def validate(self, extra_validators: Any = None) -> bool:
        is_valid = bool(super().validate(extra_validators))
        self.scope, known = _read_goods(self.goods, tuple(self["categories"].data or ()))
        self.get_scope, known_too = _read_goods(self.get_goods, ())
        if self.kind.data == PromotionKind.PERCENT and self.percent.data is None and not self.percent.errors:
            self.percent.errors = [_("Say how much it takes off.")]
            return False
        return is_valid and known and known_too

    scope: Targets | None = None
    get_scope: Targets | None = None

    def draft(self) -> Draft:
        """After ``validate``: what was written."""
        return Draft(
            kind=PromotionKind(self.kind.data),
            names={locale: self[f"name_{locale}"].data or "" for locale in locales()},
            percent_bp=self.percent.data or WHOLE_BP,
            amount_minor=_minor(self["amount"].data) or 0,
            is_per_piece=bool(self.is_per_piece.data),
            tiers=tuple(self.tiers.data or ()),
            tier_unit=TierUnit(self.tier_unit.data),
            buy=self.buy.data or 1,
            get=self.get.data or 1,
            times=self.times.data,
            cap_minor=_minor(self["cap"].data),
            delivery_codes=tuple((self.delivery_codes.data or "").split()),
            scope=self.scope,
            get_scope=self.get_scope,
            group_id=self.group.data or None,
            minimum_minor=_minor(self["minimum"].data) or 0,
            minimum_count=self.minimum_count.data or 0,
            needs_code=bool(self.needs_code.data),
            stacking=Stacking(self.stacking.data),
            stack_group=self.stack_group.data or "",
            priority=self.priority.data or 0,
            valid_from=self.valid_from.data,
            valid_until=self.valid_until.data,
            max_uses=self.max_uses.data,
            max_uses_each=self.max_uses_each.data,
        )

    def show_errors(self, errors: Any) -> None:
        """Put what a service found at the fields that it is about."""
        for pointer, messages in errors.items():
            first, _slash, rest = pointer.strip("/").partition("/")
            name = f"name_{rest}" if first == "names" else PROBLEM_FIELDS.get(first, first)
            if name in self:
                self[name].errors = [*self[name].errors, *messages]
            else:
                self.form_errors += messages


class CodeForm(ShopForm):
    """A code that people can read out."""

    code = TextField(_l("Code"), maximum=LONGEST_CODE, minimum=1)
    max_uses = IntegerField(_l("Uses of this code"), low=1, high=MOST_USES, optional=True)


class BatchForm(ShopForm):
    """Many codes that nobody guesses."""

    count = IntegerField(_l("How many"), low=1, high=MOST_CODES)
    prefix = TextField(_l("Beginning with"), maximum=LONGEST_PREFIX)
    batch = TextField(_l("Name of the batch"), maximum=80)
    uses = IntegerField(_l("Uses of each code"), low=1, high=MOST_USES, optional=True)


def promotion_form(shelves: Sequence[StaffShelf], promotion: StaffPromotion | None = None, *, fresh: bool = False) -> PromotionForm:
    """The form of a promotion, or of a new one."""
    fields: dict[str, Any] = {
        f"name_{locale}": TextField(spoken(_("Name"), locale), maximum=NAME_MAX, minimum=1 if locale == locales()[0] else 0)
        for locale in locales()
    }
    named = promotion.draft.scope.category_ids if promotion and promotion.draft.scope else ()
    shown = [(shelf.id, shelf.trail) for shelf in shelves if not shelf.is_archived or shelf.id in named]
    fields["categories"] = ShelvesField(_("Categories, with all below them"), choices=shown)
    fields["amount"] = MoneyField(_("Amount off"), currency=_currency, optional=True, high=MAX_MINOR)
    fields["minimum"] = MoneyField(_("From goods worth"), currency=_currency, optional=True)
    fields["cap"] = MoneyField(_("Takes off at most"), currency=_currency, low=1, optional=True)
    values: dict[str, Any] = {
        "kind": PromotionKind.PERCENT.value, "tier_unit": TierUnit.COUNT.value, "stacking": Stacking.COMBINABLE.value,
        "buy": 1, "get": 1, "minimum_count": 0, "priority": 0, "group": 0,
    }  # fmt: skip
    if promotion:
        values |= _values(promotion.draft)
    form: PromotionForm = made(PromotionForm, fields, values, fresh=fresh)
    form.group.choices = [(0, _("Everyone")), *((group.id, group.name) for group in list_groups())]
    if fresh:
        form.remember(promotion.row.version if promotion else 0)
    return form


def _values(draft: Draft) -> dict[str, Any]:
    def money(minor: int | None) -> Money | None:
        return Money(minor, _currency()) if minor else None

    plain = "is_per_piece tiers buy get times minimum_count needs_code stack_group priority valid_from valid_until max_uses max_uses_each"
    return {
        **{name: getattr(draft, name) for name in plain.split()},
        **{f"name_{locale}": name for locale, name in draft.names.items()},
        "kind": draft.kind.value,
        "tier_unit": draft.tier_unit.value,
        "stacking": draft.stacking.value,
        "percent": draft.percent_bp,
        "amount": money(draft.amount_minor),
        "minimum": money(draft.minimum_minor),
        "cap": money(draft.cap_minor),
        "delivery_codes": " ".join(draft.delivery_codes),
        "categories": list(draft.scope.category_ids) if draft.scope else [],
        "goods": " ".join(name_goods(draft.scope)),
        "get_goods": " ".join(name_goods(draft.get_scope)),
        "group": draft.group_id or 0,
    }


def _read_goods(field: wtforms.Field, category_ids: tuple[int, ...]) -> tuple[Targets | None, bool]:
    """SKUs and handles as goods; words that are neither are said at the field. Nothing named at all is None: everything."""
    words = list(dict.fromkeys((field.data or "").replace(",", " ").split()))
    if len(words) + len(category_ids) > MOST_TARGETS:
        field.errors = [*field.errors, _("Name at most %(count)d goods and categories.", count=MOST_TARGETS)]
        return None, False
    skus, handles = find_goods(words)
    unknown = [word for word in words if word not in skus and word not in handles]
    if unknown:
        field.errors = [*field.errors, _("There is no SKU or handle %(words)s.", words=", ".join(unknown[:5]))]
        return None, False
    if not words and not category_ids:
        return None, True
    products = tuple(handles[word] for word in words if word in handles)
    variants = tuple(skus[word] for word in words if word in skus and word not in handles)
    return Targets(category_ids=category_ids, product_ids=products, variant_ids=variants), True


def read_percent(text: str) -> int | None:
    """ "12.5" as 1250 basis points; empty is None."""
    if not text:
        return None
    match = PERCENT.fullmatch(text) if text.isascii() else None
    share_bp = int(match[1]) * 100 + int((match[2] or "0").ljust(2, "0")) if match else 0
    if not 1 <= share_bp <= WHOLE_BP:
        raise ValueError(_("Write a percentage such as 10 or 12.5."))
    return share_bp


def show_percent(share_bp: int) -> str:
    """1250 basis points as "12.5"."""
    whole, rest = divmod(share_bp, 100)
    return f"{whole}.{rest:02d}".rstrip("0").rstrip(".") if rest else str(whole)


def _read_tier(line: str, currency: str) -> Tier:
    match = TIER.fullmatch(line)
    if match is None or not (match[1].isascii() and match[1].isdecimal() and len(match[1]) < 15 and int(match[1])):
        raise ValueError(_("Write a step as “%(percent)s” or “3: 2.00”; the first is a whole number.", percent="3: 10 %"))
    if match[2].endswith("%"):
        return Tier(int(match[1]), percent_bp=read_percent(match[2]) or 0)
    return Tier(int(match[1]), off_piece_minor=parse_amount(match[2], currency).minor)


def _show_tier(tier: Tier, currency: str) -> str:
    gives = f"{show_percent(tier.percent_bp)} %" if tier.percent_bp else str(Money(tier.off_piece_minor, currency).to_decimal())
    return f"{tier.at_least}: {gives}"


def _minor(amount: Money | None) -> int | None:
    return amount.minor if amount else None


def _currency() -> str:
    currency: str = current_app.extensions["config"].currency
    return currency
