from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from shop.pricing.bargains import count_free, pick_cheapest
from shop.pricing.delivery import Delivery
from shop.pricing.discounts import find_offers
from shop.pricing.promotions import Missed, MissedReason, Promotion, PromotionKind, Scope, Stacking, Tier, TierUnit
from shop.pricing.quote import Quote
from shop.pricing.rounding import Rounding
from tests.pricing.worlds import BOOKS, PARCEL, make_item, promotion, quote_of

BOOK = make_item(1_000, variant_id=2, tax_class="books", product_id=7)
MUG = make_item(1_450, 2)
ONLY_BOOKS = Scope(category_ids=frozenset({BOOKS}))
R = MissedReason


def offs(quote: Quote) -> list[int]:
    return [line.discount_minor for line in quote.lines]


def only_missed(quote: Quote) -> Missed:
    assert quote.discounts == ()
    (missed,) = quote.missed
    return missed


# What each kind takes off


def test_a_percentage_is_rounded_once_and_shared_by_what_the_lines_cost() -> None:
    quote = quote_of(make_item(333), make_item(333, variant_id=2), promotions=[promotion(percent_bp=1_000)])

    assert quote.discount_minor == 67
    assert offs(quote) == [34, 33]


def test_a_fixed_amount_is_shared_and_never_more_than_there_is() -> None:
    quote = quote_of(BOOK, MUG, promotions=[promotion("fixed", amount_minor=390)])
    all_of_it = quote_of(BOOK, MUG, promotions=[promotion("fixed", amount_minor=99_999)])

    assert offs(quote) == [100, 290]
    assert (all_of_it.discount_minor, all_of_it.total_minor, all_of_it.tax_minor) == (3_900, 0, 0)


def test_a_fixed_amount_off_each_piece() -> None:
    quote = quote_of(BOOK, MUG, make_item(50, 3, variant_id=3), promotions=[promotion("fixed", amount_minor=200, is_per_piece=True)])

    assert offs(quote) == [200, 400, 150]


def test_a_promotion_looks_at_the_goods_in_its_scope_alone() -> None:
    for scope in (ONLY_BOOKS, Scope(product_ids=frozenset({7})), Scope(variant_ids=frozenset({2}))):
        assert offs(quote_of(BOOK, MUG, promotions=[promotion(percent_bp=5_000, scope=scope)])) == [500, 0]


def test_a_scope_holds_what_any_of_its_parts_names() -> None:
    scope = Scope(category_ids=frozenset({BOOKS}), variant_ids=frozenset({1}))

    assert offs(quote_of(BOOK, MUG, make_item(variant_id=9), promotions=[promotion(percent_bp=10_000, scope=scope)])) == [1_000, 2_900, 0]


def test_a_cap_bounds_what_is_taken_off() -> None:
    half = promotion(percent_bp=5_000, cap_minor=39)

    assert offs(quote_of(BOOK, MUG, promotions=[half])) == [10, 29]
    assert offs(quote_of(BOOK, MUG, promotions=[replace(half, cap_minor=1_950)])) == [500, 1_450]


@pytest.mark.parametrize(("pieces", "off"), [(1, 0), (2, 200), (4, 400), (5, 2_500), (6, 3_000)])
def test_tiers_by_pieces_give_the_highest_that_is_reached(pieces: int, off: int) -> None:
    offer = promotion("tiers", tiers=(Tier(5, percent_bp=5_000), Tier(2, off_piece_minor=100)))

    assert quote_of(make_item(1_000, pieces), promotions=[offer]).discount_minor == off


def test_tiers_by_amount_look_at_prices_before_discounts() -> None:
    offer = promotion("tiers", tier_unit=TierUnit.AMOUNT, tiers=(Tier(2_900, percent_bp=1_000),))
    first = promotion(id=2, percent_bp=5_000, priority=1)

    assert quote_of(MUG, promotions=[offer, first]).discount_minor == 1_450 + 145


def test_an_amount_off_each_piece_is_never_more_than_the_line() -> None:
    offer = promotion("tiers", tiers=(Tier(1, off_piece_minor=600),))

    assert offs(quote_of(make_item(500, 3), promotions=[offer])) == [1_500]


def test_a_tier_tells_what_the_next_one_takes() -> None:
    by_count = promotion("tiers", tiers=(Tier(2, 1_000), Tier(5, 2_000), Tier(9, 3_000)))
    by_amount = promotion("tiers", tier_unit=TierUnit.AMOUNT, tiers=(Tier(1_000, 1_000), Tier(4_000, 2_000)))

    (counted,) = quote_of(MUG, promotions=[by_count]).missed
    (worth,) = quote_of(MUG, promotions=[by_amount]).missed

    assert (counted.reason, counted.missing_count, counted.missing_minor) == (R.NEXT_TIER, 3, None)
    assert (worth.reason, worth.missing_minor, worth.missing_count) == (R.NEXT_TIER, 1_100, None)
    assert quote_of(replace(MUG, quantity=9), promotions=[by_count]).missed == ()


def test_a_tier_that_is_not_reached_tells_what_it_takes() -> None:
    by_count = promotion("tiers", tiers=(Tier(9, 1_000), Tier(5, 500)))
    by_amount = replace(by_count, tier_unit=TierUnit.AMOUNT, tiers=(Tier(5_000, 1_000),))

    assert only_missed(quote_of(MUG, promotions=[by_count])).missing_count == 3
    assert only_missed(quote_of(MUG, promotions=[by_amount])).missing_minor == 2_100
    assert only_missed(quote_of(MUG, promotions=[replace(by_count, tiers=())])).reason is R.NO_GOODS


@pytest.mark.parametrize(
    ("delivery", "offer", "off"),
    [
        (PARCEL, {}, 490),
        (PARCEL, {"percent_bp": 5_000}, 245),
        (PARCEL, {"cap_minor": 400}, 400),
        (PARCEL, {"cap_minor": 900}, 490),
        (PARCEL, {"delivery_codes": frozenset({"standard"})}, 490),
        (PARCEL, {"delivery_codes": frozenset({"express"})}, 0),
        (None, {}, 0),
        (replace(PARCEL, price_minor=0), {}, 0),
    ],
)
def test_free_delivery(delivery: Delivery | None, offer: dict[str, Any], off: int) -> None:
    quote = quote_of(MUG, delivery=delivery, promotions=[promotion("free_delivery", code="FREE", **offer)])

    assert (quote.discount_minor, offs(quote)) == (off, [0])
    assert [missed.reason for missed in quote.missed] == ([] if off else [R.NO_DELIVERY])
    assert sum(part.shown_minor for part in quote.adjustments) == quote.shipping_minor - off


def test_two_free_deliveries_take_off_no_more_than_it_costs() -> None:
    half = promotion("free_delivery", percent_bp=5_000)
    quote = quote_of(MUG, delivery=PARCEL, promotions=[half, replace(half, id=2), promotion("free_delivery", id=3, priority=-1)])

    assert [discount.delivery_minor for discount in quote.discounts] == [245, 123, 122]
    assert quote.total_minor == 2_900


def test_a_discount_on_the_goods_leaves_a_free_delivery_free() -> None:
    quote = quote_of(make_item(6_000), delivery=PARCEL, promotions=[promotion(percent_bp=100)])

    assert (quote.shipping_minor, quote.total_minor) == (0, 5_940)


# Buy some, get some


@pytest.mark.parametrize(("pieces", "free"), [(2, 0), (3, 1), (4, 1), (5, 1), (6, 2), (9, 3)])
def test_three_for_two(pieces: int, free: int) -> None:
    quote = quote_of(make_item(1_000, pieces), promotions=[promotion("buy_get", buy=2, get=1)])

    assert quote.discount_minor == free * 1_000


def test_the_last_set_may_be_got_in_part() -> None:
    one_and_two = promotion("buy_get", buy=1, get=2)

    assert [quote_of(make_item(100, pieces), promotions=[one_and_two]).discount_minor for pieces in range(1, 8)] == [
        *(0, 100, 200, 200, 300, 400, 400)
    ]


def test_the_cheapest_pieces_are_the_free_ones() -> None:
    cheap, dear = make_item(300, 2, variant_id=8), make_item(900, 4, variant_id=3)

    assert offs(quote_of(dear, cheap, promotions=[promotion("buy_get", buy=2, get=1)])) == [0, 600]
    assert offs(quote_of(dear, replace(cheap, quantity=1), promotions=[promotion("buy_get", buy=1, get=1)])) == [900, 300]


def test_the_free_pieces_may_be_at_a_part_of_their_price() -> None:
    quote = quote_of(make_item(999, 2), promotions=[promotion("buy_get", percent_bp=5_000)])

    assert quote.discount_minor == 500


def test_it_counts_so_many_times_and_no_more() -> None:
    assert quote_of(make_item(100, 20), promotions=[promotion("buy_get", get=2, times=3)]).discount_minor == 600


def test_buy_mugs_get_a_book() -> None:
    offer = promotion("buy_get", buy=2, get=1, scope=Scope(variant_ids=frozenset({1})), get_scope=ONLY_BOOKS)

    assert offs(quote_of(BOOK, MUG, promotions=[offer])) == [1_000, 0]
    assert offs(quote_of(replace(BOOK, quantity=3), MUG, promotions=[offer])) == [1_000, 0]
    assert offs(quote_of(replace(BOOK, quantity=3), replace(MUG, quantity=5), promotions=[offer])) == [2_000, 0]


def test_no_piece_is_bought_and_got() -> None:
    anything_for_books = promotion("buy_get", buy=1, get=1, scope=ONLY_BOOKS, get_scope=Scope())

    assert quote_of(BOOK, promotions=[anything_for_books]).discount_minor == 0
    assert quote_of(replace(BOOK, quantity=2), promotions=[anything_for_books]).discount_minor == 1_000
    assert offs(quote_of(replace(BOOK, quantity=2), make_item(1_100), promotions=[anything_for_books])) == [1_000, 0]
    assert offs(quote_of(replace(BOOK, quantity=2), make_item(100, 5), promotions=[anything_for_books])) == [0, 200]
    assert offs(quote_of(BOOK, make_item(1_450), promotions=[anything_for_books])) == [0, 1_450]
    assert offs(quote_of(replace(BOOK, quantity=3), make_item(100), promotions=[anything_for_books])) == [1_000, 100]
    two_for_three = replace(anything_for_books, buy=3, get=2)
    assert offs(quote_of(replace(BOOK, quantity=3), make_item(1_450, 2), promotions=[two_for_three])) == [0, 2_900]
    assert offs(quote_of(replace(BOOK, quantity=4), make_item(1_450, 3), promotions=[two_for_three])) == [1_000, 1_450]


def test_it_says_how_many_more_are_to_be_bought() -> None:
    three_for_two = promotion("buy_get", buy=2, get=1)
    book_for_mugs = promotion("buy_get", buy=4, get=1, scope=Scope(variant_ids=frozenset({1})), get_scope=ONLY_BOOKS)

    missed = [only_missed(quote_of(*goods, promotions=[three_for_two])) for goods in ([MUG], [BOOK])]
    assert [(one.reason, one.missing_count) for one in missed] == [(R.BUY_MORE, 1), (R.BUY_MORE, 2)]
    more_mugs = only_missed(quote_of(MUG, BOOK, promotions=[book_for_mugs]))
    assert (more_mugs.missing_count, more_mugs.scope) == (2, book_for_mugs.scope)
    a_book = only_missed(quote_of(replace(MUG, quantity=4), promotions=[book_for_mugs]))
    assert (a_book.reason, a_book.missing_count, a_book.scope) == (R.BUY_MORE, 1, ONLY_BOOKS)


# Why one does not count


@pytest.mark.parametrize(
    ("offer", "told"),
    [
        ({"groups": frozenset({"trade"})}, (R.GROUP, None, None)),
        ({"scope": Scope(variant_ids=frozenset({5}))}, (R.NO_GOODS, None, None)),
        ({"minimum_minor": 3_310}, (R.MINIMUM_AMOUNT, 410, None)),
        ({"minimum_minor": 2_901}, (R.MINIMUM_AMOUNT, 1, None)),
        ({"minimum_count": 5}, (R.MINIMUM_COUNT, None, 3)),
        ({"percent_bp": 1, "scope": Scope(variant_ids=frozenset({1}))}, (R.NOTHING_LEFT, None, None)),
    ],
)
def test_it_is_told_why_a_promotion_does_not_count(offer: dict[str, Any], told: tuple[object, ...]) -> None:
    given = promotion(code="SUMMER", **offer)

    missed = only_missed(quote_of(make_item(1_450, 2) if told[0] is not R.NOTHING_LEFT else make_item(4), promotions=[given]))

    assert (missed.reason, missed.missing_minor, missed.missing_count) == told
    assert (missed.code, missed.promotion_id, missed.label, missed.scope) == ("SUMMER", 1, "Offer 1", given.scope)


def test_what_is_just_enough_counts() -> None:
    offer = promotion(minimum_minor=2_900, minimum_count=2, groups=frozenset({"press", "trade"}))

    assert quote_of(MUG, promotions=[offer], groups=["trade", "other"]).total_minor == 0


def test_the_minimum_looks_at_the_goods_of_the_promotion() -> None:
    offer = promotion(minimum_minor=1_410, scope=ONLY_BOOKS)

    assert only_missed(quote_of(BOOK, MUG, promotions=[offer])).missing_minor == 410


def test_an_empty_cart_has_nothing_to_take_off() -> None:
    assert only_missed(quote_of(promotions=[promotion()])).reason is R.NO_GOODS


def test_a_code_that_nobody_knows_is_told_once() -> None:
    known = promotion(code="SUMMER")
    refused = Missed(reason=R.EXPIRED, code="OLD", promotion_id=9)

    quote = quote_of(MUG, promotions=[known], codes=["WHAT", "SUMMER", "OLD", "WHAT"], missed=[refused])

    assert [(missed.code, missed.reason) for missed in quote.missed] == [("OLD", R.EXPIRED), ("WHAT", R.UNKNOWN)]
    assert quote.missed[0] is refused


def test_two_codes_of_one_promotion_count_once() -> None:
    offer = promotion(code="BATCH-1", percent_bp=1_000)

    quote = quote_of(MUG, promotions=[replace(offer, code="BATCH-2"), offer], codes=["BATCH-1", "BATCH-2"])

    assert [(discount.code, discount.amount_minor) for discount in quote.discounts] == [("BATCH-1", 290)]
    assert [(missed.code, missed.reason) for missed in quote.missed] == [("BATCH-2", R.TWICE)]


def test_codes_are_told_before_what_counts_by_itself() -> None:
    offers = [promotion(id=1, minimum_count=9), promotion(id=2, minimum_count=9, code="B"), promotion(id=3, minimum_count=9, code="A")]

    assert [missed.code for missed in quote_of(MUG, promotions=offers).missed] == ["A", "B", None]


def test_the_customer_hears_of_their_codes_and_of_what_they_can_reach() -> None:
    def missed(reason: MissedReason, code: str | None) -> Missed:
        return Missed(reason=reason, code=code)

    assert all(missed(reason, "CODE").concerns_customer for reason in R)
    assert {reason for reason in R if missed(reason, None).concerns_customer} == {
        *(R.MINIMUM_AMOUNT, R.MINIMUM_COUNT, R.BUY_MORE, R.NEXT_TIER)
    }


def test_the_words_for_programs_stay_what_they_are() -> None:
    outside = "expired not_yet used_up used_by_you log_in"
    inside = "unknown twice group no_goods minimum_amount minimum_count buy_more next_tier no_delivery better exclusive nothing_left"

    assert [reason.value for reason in R] == f"{outside} {inside}".split()
    assert [kind.value for kind in PromotionKind] == ["buy_get", "tiers", "percent", "fixed", "free_delivery"]
    assert [*Stacking, *TierUnit, *Rounding] == ["combinable", "best", "exclusive", "count", "amount", "line", "order"]


# How they stand together


def stacked(*offers: Promotion, delivery: Delivery | None = None) -> Quote:
    return quote_of(make_item(10_000), promotions=offers, delivery=delivery)


def labels(quote: Quote) -> list[str]:
    return [discount.label for discount in quote.discounts]


def test_each_takes_its_part_of_what_the_ones_before_it_left() -> None:
    quote = stacked(promotion(id=1, percent_bp=1_000), promotion(id=2, percent_bp=2_000))

    assert [(one.base_minor, one.amount_minor) for one in quote.discounts] == [(10_000, 1_000), (9_000, 1_800)]


def test_the_higher_priority_comes_first_then_the_kind_then_the_id() -> None:
    offers = [
        promotion("free_delivery", id=1),
        promotion("fixed", id=2, amount_minor=100),
        promotion("percent", id=9, percent_bp=100),
        promotion("percent", id=4, percent_bp=100),
        promotion("tiers", id=5, tiers=(Tier(1, 100),)),
        promotion("buy_get", id=6, percent_bp=100),
        promotion("fixed", id=7, amount_minor=100, priority=1),
    ]

    quote = quote_of(make_item(10_000, 4), promotions=offers, delivery=replace(PARCEL, free_from_minor=None))

    assert [one.promotion_id for one in quote.discounts] == [7, 6, 5, 4, 9, 2, 1]


def test_of_a_group_the_best_counts_and_the_others_say_so() -> None:
    small = promotion(id=1, percent_bp=1_000, stacking=Stacking.BEST, stack_group="season", code="SMALL")
    large = promotion("fixed", id=2, amount_minor=1_001, stacking=Stacking.BEST, stack_group="season")
    other = promotion(id=3, percent_bp=500, stacking=Stacking.BEST, stack_group="staff")

    quote = stacked(small, large, other)

    assert labels(quote) == ["Offer 3", "Offer 2"]
    assert [(one.code, one.reason, one.other) for one in quote.missed] == [("SMALL", R.BETTER, "Offer 2")]


def test_among_equals_the_higher_priority_counts_then_the_lower_id() -> None:
    one = promotion(id=1, percent_bp=1_000, stacking=Stacking.BEST)

    assert labels(stacked(one, replace(one, id=2, label="Second", priority=1))) == ["Second"]
    assert labels(stacked(one, replace(one, id=2, label="Second"))) == ["Offer 1"]
    alone = replace(one, stacking=Stacking.EXCLUSIVE)
    assert labels(stacked(alone, replace(alone, id=2, label="Second", priority=1))) == ["Second"]
    assert labels(stacked(alone, replace(alone, id=2, label="Second"))) == ["Offer 1"]


def test_what_stands_alone_counts_where_it_saves_more() -> None:
    alone = promotion(id=1, percent_bp=3_000, stacking=Stacking.EXCLUSIVE, code="ALONE")
    few = promotion(id=2, percent_bp=1_000)
    free = promotion("free_delivery", id=3)

    quote = stacked(alone, few, free, delivery=PARCEL)
    assert labels(quote) == ["Offer 1"]
    assert [(one.promotion_id, one.reason, one.other) for one in quote.missed if one.promotion_id == 2] == [(2, R.EXCLUSIVE, "Offer 1")]

    quote = stacked(replace(alone, percent_bp=1_000), few)
    assert labels(quote) == ["Offer 2"]
    assert [(one.code, one.reason, one.other) for one in quote.missed] == [("ALONE", R.BETTER, "Offer 2")]


def test_what_is_taken_off_the_delivery_weighs_as_much_as_what_is_taken_off_the_goods() -> None:
    alone = promotion(id=1, percent_bp=4_000, stacking=Stacking.EXCLUSIVE)
    together = [promotion(id=2, percent_bp=3_000), promotion("free_delivery", id=3)]
    small = make_item(1_000)

    assert labels(quote_of(small, promotions=[alone, *together])) == ["Offer 1"]
    assert labels(quote_of(small, promotions=[alone, *together], delivery=PARCEL)) == ["Offer 2", "Offer 3"]


def test_an_exclusive_one_that_saves_nothing_says_so() -> None:
    quote = quote_of(make_item(0), promotions=[promotion(stacking=Stacking.EXCLUSIVE, code="ALONE")])

    assert only_missed(quote).reason is R.NOTHING_LEFT


def test_what_comes_too_late_finds_nothing_left() -> None:
    quote = stacked(promotion(id=1), promotion(id=2, code="LATE"))

    assert [(one.code, one.reason) for one in quote.missed] == [("LATE", R.NOTHING_LEFT)]


# What it is made of


def test_shares_stand_in_the_order_of_the_goods() -> None:
    goods = [make_item(100 * number, variant_id=10 - number) for number in range(1, 6)]

    (discount,) = quote_of(*goods, promotions=[promotion(percent_bp=1_000)]).discounts

    assert discount.shares == (10, 20, 30, 40, 50)
    assert (discount.base_minor, discount.amount_minor, discount.delivery_minor) == (1_500, 150, 0)


def test_an_offer_can_be_asked_for_without_a_delivery() -> None:
    offers = find_offers([MUG], [promotion("free_delivery")])

    assert (offers.saving_minor, offers.delivery_off_minor, offers.missed[0].reason) == (0, 0, R.NO_DELIVERY)


def test_the_cent_that_cannot_be_shared_falls_to_the_same_goods_in_whatever_order_they_stand() -> None:
    one, two = make_item(100, variant_id=1), make_item(100, variant_id=2)
    cent = [promotion("fixed", amount_minor=1)]

    assert offs(quote_of(one, two, promotions=cent)) == [1, 0]
    assert offs(quote_of(two, one, promotions=cent)) == [0, 1]


def test_a_promotion_asks_for_nothing_unless_it_says_so() -> None:
    offer = promotion()

    assert (offer.minimum_minor, offer.minimum_count, offer.groups, offer.cap_minor) == (0, 0, frozenset(), None)


def test_the_pieces_of_all_lines_together_reach_a_minimum() -> None:
    quote = quote_of(make_item(100, 2), make_item(100, 3, variant_id=2), promotions=[promotion(percent_bp=1_000, minimum_count=5)])

    assert offs(quote) == [20, 30]


def test_tiers_by_amount_add_what_all_lines_cost() -> None:
    tiers = (Tier(2_000, 1_000), Tier(9_000, 2_000))
    offer = promotion("tiers", tier_unit=TierUnit.AMOUNT, tiers=tiers)

    quote = quote_of(make_item(1_000), make_item(1_500, variant_id=2), promotions=[offer])

    assert offs(quote) == [100, 150]
    assert [(missed.reason, missed.missing_minor) for missed in quote.missed] == [(R.NEXT_TIER, 6_500)]


def test_where_nothing_is_in_what_is_got_nothing_is_free() -> None:
    assert count_free(bought=0, shared=0, only_got=5, buy=1, get=1, times=None) == (0, 0)
    assert count_free(bought=3, shared=0, only_got=0, buy=1, get=1, times=None) == (0, 0)


def test_of_what_could_also_be_bought_only_so_many_are_picked_over_all_shelves() -> None:
    assert pick_cheapest([(0, 2, True), (1, 2, True), (2, 2, False)], free=5, from_bought=3) == [(0, 2), (1, 1), (2, 2)]


def test_what_a_promotion_looked_at_is_told_with_it() -> None:
    off, free = promotion(percent_bp=1_000), promotion("free_delivery", id=2)

    quote = quote_of(make_item(1_000), delivery=PARCEL, promotions=[off, free])

    assert [(one.promotion_id, one.base_minor, one.shares, one.delivery_minor) for one in quote.discounts] == [
        (1, 1_000, (100,), 0),
        (2, 490, (0,), 490),
    ]


def test_one_is_bought_and_one_got_unless_it_says_otherwise() -> None:
    assert (promotion("buy_get").buy, promotion("buy_get").get) == (1, 1)
