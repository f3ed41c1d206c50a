"""What holds of every quote, whatever is bought and offered."""

from __future__ import annotations

import json
from fractions import Fraction
from random import Random
from typing import Any

from hypothesis import assume, given
from hypothesis import strategies as st

from shop.money import MAX_MINOR
from shop.pricing.goods import Item
from shop.pricing.promotions import MissedReason, Promotion, PromotionKind, Scope, Stacking
from shop.pricing.quote import Quote
from shop.pricing.rounding import Rounding
from shop.pricing.trace import trace_of
from tests.pricing.worlds import (
    asked,
    deliveries,
    goods,
    items_at,
    make_item,
    promotions_of_any_kind,
    quote_of,
    quoted,
    scopes,
)

randoms = st.randoms(use_true_random=False)


def parts_of(quote: Quote) -> list[Any]:
    return [*quote.lines, *quote.adjustments]


@given(asked)
def test_every_part_and_every_rate_and_the_whole_have_net_and_tax_to_the_gross(drawn: dict[str, Any]) -> None:
    quote = quoted(drawn)

    parts = parts_of(quote)
    assert all(part.net_minor + part.tax_minor == part.gross_minor for part in [*parts, *quote.taxes])
    for taxed in (parts, quote.taxes):
        assert sum(part.gross_minor for part in taxed) == quote.total_minor
        assert sum(part.tax_minor for part in taxed) == quote.tax_minor
    assert len({share.tax_rate_ppm for share in quote.taxes}) == len(quote.taxes)


@given(asked)
def test_the_rows_that_a_customer_reads_add_up_to_the_total(drawn: dict[str, Any]) -> None:
    quote = quoted(drawn)

    shown = quote.subtotal_minor - quote.discount_minor + quote.shipping_minor - quote.untaxed_minor
    assert quote.total_minor == (shown if quote.prices_include_tax else shown + quote.tax_minor)
    assert quote.prices_include_tax or quote.untaxed_minor == 0


@given(asked)
def test_the_shares_of_a_discount_sum_to_it_and_the_discounts_to_the_whole(drawn: dict[str, Any]) -> None:
    quote = quoted(drawn)

    assert quote.discount_minor == sum(discount.amount_minor for discount in quote.discounts)
    for at, line in enumerate(quote.lines):
        assert line.discount_minor == sum(discount.shares[at] for discount in quote.discounts)
    assert sum(part.discount_minor for part in quote.adjustments) == sum(discount.delivery_minor for discount in quote.discounts)
    assert sum(part.base_minor for part in quote.adjustments) == quote.shipping_minor
    assert quote.subtotal_minor == sum(line.base_minor for line in quote.lines)


@given(asked)
def test_nothing_falls_below_zero(drawn: dict[str, Any]) -> None:
    quote = quoted(drawn)

    for part in parts_of(quote):
        assert min(part.net_minor, part.tax_minor, part.shown_minor, part.discount_minor) >= 0
    assert all(discount.amount_minor > 0 and min(*discount.shares, discount.delivery_minor) >= 0 for discount in quote.discounts)


@given(asked, randoms)
def test_the_order_of_goods_and_promotions_does_not_matter(drawn: dict[str, Any], random: Random) -> None:
    mixed = {**drawn, "items": list(drawn["items"]), "promotions": list(drawn["promotions"])}
    random.shuffle(mixed["items"])
    random.shuffle(mixed["promotions"])
    assume(len({(one.id, one.code) for one in drawn["promotions"]}) == len(drawn["promotions"]))

    one, other = quoted(drawn), quoted(mixed)

    assert one.fingerprint == other.fingerprint
    assert (one.total_minor, one.tax_minor, one.missed, one.taxes) == (other.total_minor, other.tax_minor, other.missed, other.taxes)
    assert sorted(map(repr, one.lines)) == sorted(map(repr, other.lines))


@given(asked)
def test_every_promotion_counts_or_says_why_not(drawn: dict[str, Any]) -> None:
    quote = quoted(drawn)

    counted = {discount.promotion_id for discount in quote.discounts}
    refused = {missed.promotion_id for missed in quote.missed if missed.reason is not MissedReason.NEXT_TIER}
    assert counted | refused == {one.id for one in drawn["promotions"]}
    assert not counted & {
        missed.promotion_id for missed in quote.missed if missed.reason not in {MissedReason.NEXT_TIER, MissedReason.TWICE}
    }


@given(asked)
def test_the_trace_is_json_and_tells_the_same(drawn: dict[str, Any]) -> None:
    quote = quoted(drawn)

    trace = json.loads(json.dumps(trace_of(quote)))

    assert trace == trace_of(quote)
    assert sum(part["gross"] for part in [*trace["lines"], *trace["beside"]]) == trace["totals"]["total"] == quote.total_minor
    for line, told in zip(quote.lines, trace["lines"], strict=True):
        assert told["unit"] * told["quantity"] - sum(off for _, off in told["off"]) == told["shown"] == line.shown_minor
    for at, discount in enumerate(trace["discounts"]):
        shares = sum(off for told in trace["lines"] for number, off in told["off"] if number == at)
        assert shares + discount["delivery"] == discount["off"] <= discount["of"]


@given(asked)
def test_each_tax_is_rounded_as_the_setting_says(drawn: dict[str, Any]) -> None:
    quote = quoted({**drawn, "is_export": False})

    trace = trace_of(quote)
    rounded_alone = trace["taxes"] if quote.rounding is Rounding.ORDER else [*trace["lines"], *trace["beside"]]
    assert all(abs(Fraction(part["exact_tax"]) - part["tax"]) <= Fraction(1, 2) for part in rounded_alone)
    assert all(abs(Fraction(part["exact_tax"]) - part["tax"]) < 1 for part in [*trace["lines"], *trace["beside"]])


@given(asked)
def test_where_no_tax_is_asked_none_is_paid(drawn: dict[str, Any]) -> None:
    quote = quoted({**drawn, "is_export": True})
    at_home = quoted({**drawn, "is_export": False})

    assert quote.tax_minor == 0
    assert quote.total_minor == sum(part.net_minor for part in parts_of(quote))
    assert [line.net_minor for line in quote.lines] == [line.net_minor for line in at_home.lines]
    assert quote.discount_minor == at_home.discount_minor


NAMED = {PromotionKind.BUY_GET, PromotionKind.TIERS, PromotionKind.FREE_DELIVERY}


def gives_no_reason_to_buy_more(one: Promotion) -> bool:
    return one.kind not in NAMED and not one.minimum_minor and not one.minimum_count


@given(
    goods,
    st.lists(promotions_of_any_kind.filter(gives_no_reason_to_buy_more), max_size=1),
    items_at(st.integers(0, 5_000), st.integers(1, 9)),
    st.sampled_from(Rounding),
)
def test_more_goods_never_cost_less_unless_a_rule_says_so(
    items: list[Item], offers: list[Promotion], more: Item, rounding: Rounding
) -> None:
    before = quote_of(*items, promotions=offers, groups=["trade"], rounding=rounding)
    after = quote_of(*items, more, promotions=offers, groups=["trade"], rounding=rounding)

    assert after.total_minor >= before.total_minor


@given(goods, st.lists(promotions_of_any_kind.filter(gives_no_reason_to_buy_more), max_size=5), items_at(st.integers(0, 5_000), st.just(1)))
def test_several_promotions_move_it_by_roundings_at_most(items: list[Item], offers: list[Promotion], more: Item) -> None:
    before = quote_of(*items, promotions=offers, groups=["trade"])
    after = quote_of(*items, more, promotions=offers, groups=["trade"])

    assert after.total_minor >= before.total_minor - (len(items) + 1) * len(offers)


@given(goods, promotions_of_any_kind, deliveries)
def test_a_promotion_never_makes_it_dearer(items: list[Item], offer: Promotion, delivery: Any) -> None:
    without = quote_of(*items, delivery=delivery)
    with_it = quote_of(*items, delivery=delivery, promotions=[offer], groups=["trade"])

    assert with_it.total_minor <= without.total_minor


@given(goods, st.lists(promotions_of_any_kind, max_size=4, unique_by=lambda one: one.id))
def test_the_exclusive_one_counts_alone_and_only_where_it_saves_more(items: list[Item], offers: list[Promotion]) -> None:
    others = [one for one in offers if one.stacking is not Stacking.EXCLUSIVE]

    quote = quote_of(*items, promotions=offers, groups=["trade"])
    combined = quote_of(*items, promotions=others, groups=["trade"])

    counted = {discount.promotion_id for discount in quote.discounts}
    exclusive = {one.id for one in offers if one.stacking is Stacking.EXCLUSIVE}
    assert quote.discount_minor >= combined.discount_minor
    if counted & exclusive:
        assert len(counted) == 1
        assert quote.discount_minor > combined.discount_minor


@given(goods, scopes, st.integers(1, 50_000))
def test_adding_what_is_missing_makes_it_count(items: list[Item], scope: Scope, missing: int) -> None:
    items = [*items, make_item(500, tax_class="books")]  # in every scope
    held = sum(item.base_minor for item in items if scope.holds(item))
    offer = Promotion(id=1, kind=PromotionKind.FIXED, label="Offer", amount_minor=100, scope=scope, minimum_minor=held + missing)

    def with_more(price: int) -> Quote:
        return quote_of(*items, make_item(price, tax_class="books"), promotions=[offer])

    assert [missed.missing_minor for missed in quote_of(*items, promotions=[offer]).missed] == [missing]
    assert with_more(missing).discounts
    assert not with_more(missing - 1).discounts


@given(
    st.lists(items_at(st.integers(MAX_MINOR - 3, MAX_MINOR), st.sampled_from([1, 9999])), min_size=1, max_size=3), promotions_of_any_kind
)
def test_huge_amounts_are_exact(items: list[Item], offer: Promotion) -> None:
    quote = quote_of(*items, promotions=[offer], groups=["trade"])

    assert quote.total_minor == sum(item.unit_price_minor * item.quantity for item in items) - quote.discount_minor
    for line in quote.lines:
        exact = Fraction(line.gross_minor * line.tax_rate_ppm, 1_000_000 + line.tax_rate_ppm)
        assert abs(exact - line.tax_minor) <= Fraction(1, 2)


@given(st.sampled_from(["EUR", "JPY", "KWD"]), goods)
def test_the_currency_changes_no_number(currency: str, items: list[Item]) -> None:
    assert quote_of(*items, currency=currency).total_minor == quote_of(*items).total_minor
