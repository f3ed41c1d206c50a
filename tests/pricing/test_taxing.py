from __future__ import annotations

from dataclasses import replace

import pytest

from shop.pricing.rounding import Rounding, share_of
from shop.pricing.taxing import Part, exact_tax, share_delivery, sum_by_rate, tax_parts
from tests.pricing.worlds import PARCEL, make_item, promotion, quote_of

BY_GOODS = replace(PARCEL, tax_class="goods", free_from_minor=None)


@pytest.mark.parametrize(("minor", "bp", "share"), [(1, 5_000, 1), (1, 4_999, 0), (333, 1_000, 33), (335, 1_000, 34), (7, 10_000, 7)])
def test_a_share_is_rounded_half_up(minor: int, bp: int, share: int) -> None:
    assert share_of(minor, bp) == share


def test_a_tax_is_contained_or_comes_on_top() -> None:
    assert exact_tax(121, 210_000, is_contained=True) == (25_410_000, 1_210_000)
    assert exact_tax(100, 210_000, is_contained=False) == (21_000_000, 1_000_000)
    assert (exact_tax(121, 210_000, is_contained=True).rounded, str(exact_tax(1, 2, is_contained=False))) == (21, "2/1000000")


def test_with_rounding_per_order_the_rates_are_kept_apart() -> None:
    parts = [Part(13, 0, 60000), Part(13, 3, 210_000), Part(13, 0, 60000), Part(0, 0, 60000)]

    taxed = tax_parts(parts, prices_include_tax=False, rounding=Rounding.ORDER)

    assert taxed == [(13, 1, 14, 60000), (10, 2, 12, 210_000), (13, 1, 14, 60000), (0, 0, 0, 60000)]


def test_a_delivery_without_goods_that_are_sent_has_its_own_rate() -> None:
    assert share_delivery(490, 90, (210_000, None), []) == [Part(490, 90, 210_000)]
    assert share_delivery(490, 0, (210_000, 190_000), [Part(0, 0, 40000)]) == [Part(490, 0, 210_000, 190_000)]
    assert share_delivery(0, 0, (210_000, None), [Part(100, 0, 40000)]) == [Part(0, 0, 210_000)]


def test_a_delivery_is_shared_by_what_the_goods_cost_after_discounts() -> None:
    sent = [Part(1_000, 500, 40000), Part(600, 0, 210_000), Part(1_000, 1_000, 1_000), Part(400, 0, 210_000)]

    assert share_delivery(100, 10, (0, None), sent) == [Part(67, 7, 210_000), Part(33, 3, 40000)]


def test_a_part_that_would_be_nothing_is_left_out() -> None:
    assert share_delivery(1, 0, (0, None), [Part(900, 0, 40000), Part(100, 0, 210_000)]) == [Part(1, 0, 40000)]


def test_goods_that_are_not_sent_say_nothing_about_the_delivery() -> None:
    file = make_item(9_000, variant_id=2, requires_shipping=False)
    book = make_item(1_000, tax_class="books")

    assert [part.tax_rate_ppm for part in quote_of(file, book, delivery=BY_GOODS).adjustments] == [40000]
    assert [part.tax_rate_ppm for part in quote_of(file, delivery=BY_GOODS).adjustments] == [210_000]


def test_a_discount_moves_the_shares_of_the_delivery() -> None:
    goods = [make_item(1_000, tax_class="books"), make_item(1_000, variant_id=2)]
    free_book = promotion(scope=replace(promotion().scope, variant_ids=frozenset({1})))

    assert [part.base_minor for part in quote_of(*goods, delivery=BY_GOODS).adjustments] == [245, 245]
    assert [(part.base_minor, part.tax_rate_ppm) for part in quote_of(*goods, delivery=BY_GOODS, promotions=[free_book]).adjustments] == [
        (490, 210_000)
    ]


def test_rates_are_summed_highest_first() -> None:
    quote = quote_of(make_item(1_000, tax_class="books"), make_item(100, variant_id=2), make_item(200, variant_id=3))

    assert sum_by_rate(quote.lines) == ((210_000, 248, 52, 300), (40000, 962, 38, 1_000))
    assert sum_by_rate([]) == ()
