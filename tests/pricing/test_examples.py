"""Quotes worked out by hand, or printed by somebody else; each says by whom."""

from __future__ import annotations

from shop.pricing.delivery import Delivery
from shop.pricing.promotions import Scope
from shop.pricing.quote import Quote
from shop.pricing.rounding import Rounding
from tests.pricing.worlds import make_item, promotion, quote_of

OWN = Delivery("parcel", "Parcel", "delivery", 490, None, "standard")
BY_GOODS = Delivery("parcel", "Parcel", "delivery", 490, None, "goods")


def taxes_of(quote: Quote) -> list[tuple[int, int, int, int]]:
    return [tuple(share) for share in quote.taxes]


def test_the_peppol_example_of_standard_rates() -> None:
    """Source: OpenPEPPOL/peppol-bis-invoice-3, Vat-category-S.xml: net prices, a charge of 200 and an allowance of 100 at 25 %."""
    goods = [
        make_item(40_000, 10, variant_id=1, tax_class="high"),
        make_item(20_000, 10, variant_id=2, tax_class="low"),
        make_item(9_000, 10, variant_id=3, tax_class="high"),
    ]
    cleaning = Delivery("cleaning", "Cleaning", "delivery", 20_000, None, "high")
    allowance = promotion("fixed", amount_minor=10_000, scope=Scope(variant_ids=frozenset({1, 3})))

    for rounding in Rounding:
        quote = quote_of(
            *goods,
            include=False,
            delivery=cleaning,
            promotions=[allowance],
            tax_rates={"high": 250000, "low": 150000},
            rounding=rounding,
        )

        assert taxes_of(quote) == [(250000, 500_000, 125_000, 625_000), (150000, 200_000, 30_000, 230_000)]
        assert (quote.subtotal_minor, quote.discount_minor, quote.shipping_minor) == (690_000, 10_000, 20_000)
        assert (quote.tax_minor, quote.total_minor) == (155_000, 855_000)


def test_the_german_example_of_magazines() -> None:
    """Source: KoSIT, xrechnung-testsuite 01.01a: two lines of 288.79 and 26.07 net at 7 %: tax 22.04, to pay 336.90."""
    magazines = [make_item(28_879, variant_id=1, tax_class="books"), make_item(2_607, variant_id=2, tax_class="books")]

    for rounding in Rounding:
        quote = quote_of(*magazines, include=False, tax_rates={"standard": 190000, "books": 70000}, rounding=rounding)

        assert (quote.subtotal_minor, quote.tax_minor, quote.total_minor) == (31_486, 2_204, 33_690)


def test_a_german_parcel_with_two_rates() -> None:
    """By hand, as UStAE 10.1 has it: 60 % of the goods at 7 %, 40 % at 19 %, so is the parcel of EUR 4.90: 2.94 and 1.96.

    Goods 30.00 at 7 %: tax 30 * 7 / 107 = 1.9626; 20.00 at 19 %: 3.1933; 2.94 at 7 %: 0.1923; 1.96 at 19 %: 0.3129.
    """
    goods = [make_item(3_000, variant_id=1, tax_class="books"), make_item(2_000, variant_id=2)]

    quote = quote_of(*goods, delivery=BY_GOODS, tax_rates={"standard": 190000, "books": 70000})

    assert [(part.gross_minor, part.tax_minor, part.tax_rate_ppm) for part in quote.adjustments] == [(196, 31, 190_000), (294, 19, 70_000)]
    assert taxes_of(quote) == [(190_000, 1846, 350, 2196), (70_000, 3079, 215, 3294)]
    assert quote.total_minor == 5_490


def test_the_dutch_example_of_half_and_half() -> None:
    """Source: JouwWeb's help: EUR 50 with 9 % and EUR 50 with 21 %: half the delivery with 9 %, half with 21 %. (4.90: 2.45 each.)"""
    goods = [make_item(5_000, variant_id=1, tax_class="low"), make_item(5_000, variant_id=2)]

    quote = quote_of(*goods, delivery=BY_GOODS, tax_rates={"standard": 210000, "low": 90000})

    assert [(part.gross_minor, part.tax_rate_ppm) for part in quote.adjustments] == [(245, 210_000), (245, 90_000)]


def test_a_spanish_cart_with_a_code() -> None:
    """By hand: two mugs of 14.50 (21 %), three oils of 4.60 (10 %), VERANO takes 10 % off, a parcel of 4.90 at 21 %.

    Goods 29.00 + 13.80 = 42.80; off 4.28, shared 2.90 and 1.38; left 26.10 and 12.42. Tax 26.10 * 21 / 121 = 4.5297, 12.42 * 10 / 110 = 1.1290,
    4.90 * 21 / 121 = 0.8504. Total 42.80 - 4.28 + 4.90 = 43.42.
    """
    goods = [make_item(1_450, 2, variant_id=1), make_item(460, 3, variant_id=2, tax_class="food")]

    quote = quote_of(*goods, delivery=OWN, promotions=[promotion(percent_bp=1_000, code="VERANO")])

    assert [(line.discount_minor, line.gross_minor, line.tax_minor) for line in quote.lines] == [(290, 2610, 453), (138, 1242, 113)]
    assert (quote.subtotal_minor, quote.discount_minor, quote.shipping_minor) == (4_280, 428, 490)
    assert (quote.tax_minor, quote.total_minor) == (453 + 113 + 85, 4_342)


def test_the_dutch_case_where_the_two_roundings_differ() -> None:
    """The case of CJEU C-484/06 (Ahold) in small: 7 goods of 0.13 gross at 6 %, each its own line. By line 7 * round(0.7358) = 7; together 5.15 = 5."""
    goods = [make_item(13, variant_id=number, tax_class="low") for number in range(1, 8)]

    by_line = quote_of(*goods, tax_rates={"low": 60000}, rounding=Rounding.LINE)
    by_order = quote_of(*goods, tax_rates={"low": 60000}, rounding=Rounding.ORDER)

    assert (by_line.tax_minor, by_order.tax_minor) == (7, 5)
    assert [line.tax_minor for line in by_order.lines] == [1, 1, 1, 1, 1, 0, 0]
    assert by_line.total_minor == by_order.total_minor == 91


def test_a_business_in_another_member_state_pays_the_net_price() -> None:
    """By hand: 29.00 with 21 % is 23.97 net (tax 5.0331), the parcel of 4.90 is 4.05. The buyer owes the tax (Directive 2006/112/EC, 138)."""
    quote = quote_of(
        make_item(1_450, 2), delivery=OWN, tax_rates={"standard": 0}, contained_rates={"standard": 210000}, tax_note="reverse_charge"
    )

    assert [(line.net_minor, line.tax_minor, line.gross_minor, line.tax_rate_ppm) for line in quote.lines] == [(2397, 0, 2397, 0)]
    assert (quote.subtotal_minor, quote.shipping_minor, quote.untaxed_minor) == (2_900, 490, 503 + 85)
    assert (quote.tax_minor, quote.total_minor, quote.tax_note) == (0, 2_802, "reverse_charge")


def test_another_tax_than_the_contained_one_comes_on_top_of_the_net_price() -> None:
    """By hand: 121.00 with 21 % is 100.00 net; at 27 % it costs 127.00."""
    quote = quote_of(make_item(12_100), tax_rates={"standard": 270000}, contained_rates={"standard": 210000})

    assert (quote.lines[0].net_minor, quote.tax_minor, quote.total_minor, quote.untaxed_minor) == (10_000, 2_700, 12_700, -600)


def test_yen_and_dinar_are_shared_in_their_smallest_unit() -> None:
    """By hand: 100 yen off three goods of 500 are 34, 33 and 33; 0.100 dinar off three of 0.500 are 34, 33 and 33 fils."""
    goods = [make_item(500, variant_id=number) for number in (1, 2, 3)]

    for currency in ("JPY", "KWD"):
        quote = quote_of(*goods, currency=currency, promotions=[promotion("fixed", amount_minor=100)])

        assert [line.discount_minor for line in quote.lines] == [34, 33, 33]
