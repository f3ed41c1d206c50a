"""Goods, promotions and quotes as the property tests draw them, and short ways to make them by hand."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from hypothesis import strategies as st

from shop.pricing.delivery import Delivery
from shop.pricing.goods import Item
from shop.pricing.promotions import EVERYTHING, Promotion, PromotionKind, Scope, Stacking, Tier, TierUnit
from shop.pricing.quote import Quote, make_quote
from shop.pricing.rounding import Rounding

RATES = {"standard": 210000, "food": 100000, "books": 40000}
PARCEL = Delivery("standard", "Parcel", "delivery", 490, 6000, "standard")
BOOKS, FOOD = 1, 2


def make_item(price: int = 1450, quantity: int = 1, *, variant_id: int = 1, tax_class: str = "standard", **other: Any) -> Item:
    shelves = {"books": frozenset({BOOKS}), "food": frozenset({FOOD})}.get(tax_class, frozenset())
    item = Item(
        variant_id, 1, "Mug", "Sage", f"MUG-{variant_id}", price, None, quantity, tax_class, 300, True, None, "mug", category_ids=shelves
    )
    return replace(item, **other)


def promotion(kind: str = "percent", *, id: int = 1, **other: Any) -> Promotion:  # noqa: A002
    return Promotion(**{"kind": PromotionKind(kind), "label": f"Offer {id}", "id": id, **other})


def quote_of(*items: Item, include: bool = True, delivery: Delivery | None = None, currency: str = "EUR", **other: Any) -> Quote:
    given = {"tax_rates": RATES, **other}
    return make_quote(items, currency=currency, prices_include_tax=include, delivery=delivery, **given)


variants = st.integers(1, 40)


def items_at(prices: st.SearchStrategy[int], quantities: st.SearchStrategy[int]) -> st.SearchStrategy[Item]:
    return st.builds(
        make_item,
        prices,
        quantities,
        variant_id=variants,
        tax_class=st.sampled_from(["standard", "food", "books", "unknown"]),
        product_id=st.integers(1, 5),
        requires_shipping=st.booleans(),
    )


goods = st.lists(items_at(st.integers(0, 20_000), st.integers(1, 12)), max_size=8)
scopes = st.sampled_from(
    [EVERYTHING, Scope(category_ids=frozenset({BOOKS})), Scope(product_ids=frozenset({1, 2})), Scope(variant_ids=frozenset(range(1, 15)))]
)
tiers = st.lists(
    st.builds(Tier, st.integers(1, 30), percent_bp=st.integers(0, 9_000), off_piece_minor=st.integers(1, 3_000)), min_size=1, max_size=3
)
promotions_of_any_kind = st.builds(
    Promotion,
    id=st.integers(1, 30),
    kind=st.sampled_from(PromotionKind),
    label=st.sampled_from(["Summer", "Winter"]),
    code=st.none() | st.sampled_from(["A", "B", "C"]),
    percent_bp=st.integers(1, 10_000),
    amount_minor=st.integers(0, 30_000),
    is_per_piece=st.booleans(),
    tiers=tiers.map(tuple),
    tier_unit=st.sampled_from(TierUnit),
    buy=st.integers(1, 4),
    get=st.integers(1, 3),
    get_scope=st.none() | scopes,
    times=st.none() | st.integers(1, 4),
    cap_minor=st.none() | st.integers(0, 5_000),
    scope=scopes,
    minimum_minor=st.sampled_from([0, 0, 500, 20_000]),
    minimum_count=st.sampled_from([0, 0, 2, 9]),
    groups=st.sampled_from([frozenset(), frozenset({"trade"}), frozenset({"press"})]),
    stacking=st.sampled_from(Stacking),
    stack_group=st.sampled_from(["", "season"]),
    priority=st.integers(-2, 2),
)
promotions = st.lists(promotions_of_any_kind, max_size=6)
deliveries = st.none() | st.builds(
    Delivery,
    st.sampled_from(["standard", "express"]),
    st.just("Parcel"),
    st.just("delivery"),
    st.integers(0, 3_000),
    st.none() | st.integers(0, 50_000),
    st.sampled_from(["standard", "food", "goods"]),
)


def _quote(drawn: dict[str, Any]) -> Quote:
    rates = (
        {"tax_rates": {"standard": 0}, "contained_rates": RATES, "tax_note": "export"} if drawn.pop("is_export") else {"tax_rates": RATES}
    )
    return make_quote(**drawn, **rates, groups=["trade"])


asked = st.fixed_dictionaries(
    {
        "items": goods,
        "promotions": promotions,
        "delivery": deliveries,
        "prices_include_tax": st.booleans(),
        "rounding": st.sampled_from(Rounding),
        "currency": st.sampled_from(["EUR", "JPY", "KWD"]),
        "is_export": st.booleans(),
    }
)


def quoted(drawn: dict[str, Any]) -> Quote:
    """The quote for what ``asked`` drew."""
    return _quote(dict(drawn))
