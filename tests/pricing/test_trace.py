from __future__ import annotations

import json
from dataclasses import replace

from shop.pricing.promotions import Missed, MissedReason
from shop.pricing.rounding import Rounding
from shop.pricing.trace import dump_missed, read_missed, trace_of, write_trace
from tests.pricing.worlds import PARCEL, make_item, promotion, quote_of

GOODS = [make_item(1_450, 2, sku="MUG"), make_item(460, 3, variant_id=2, tax_class="food", sku="OIL")]
OFFERS = [
    promotion(percent_bp=1_000, code="VERANO", label="Summer"),
    promotion("free_delivery", id=2, label="Free"),
    promotion(id=3, minimum_minor=5_000, label="More"),
]
QUOTE = quote_of(*GOODS, delivery=PARCEL, promotions=OFFERS)
EXPORT = quote_of(*GOODS, tax_rates={"standard": 0}, contained_rates={"standard": 210000, "food": 100000}, tax_note="export")


def test_the_whole_trace_of_a_quote() -> None:
    assert trace_of(QUOTE) == {
        "version": 1,
        "currency": "EUR",
        "prices_include_tax": True,
        "rounding": "line",
        "tax_note": "",
        "lines": [
            {
                "variant_id": 1,
                "sku": "MUG",
                "tax_class": "standard",
                "quantity": 2,
                "unit": 1450,
                "base": 2900,
                "off": [[0, 290]],
                "shown": 2610,
                "rate_ppm": 210000,
                "exact_tax": "548100000/1210000",
                "net": 2157,
                "tax": 453,
                "gross": 2610,
            },
            {
                "variant_id": 2,
                "sku": "OIL",
                "tax_class": "food",
                "quantity": 3,
                "unit": 460,
                "base": 1380,
                "off": [[0, 138]],
                "shown": 1242,
                "rate_ppm": 100000,
                "exact_tax": "124200000/1100000",
                "net": 1129,
                "tax": 113,
                "gross": 1242,
            },
        ],
        "beside": [
            {
                "kind": "shipping",
                "source": "standard",
                "label": "Parcel",
                "base": 490,
                "off": 490,
                "shown": 0,
                "rate_ppm": 210000,
                "exact_tax": "0/1210000",
                "net": 0,
                "tax": 0,
                "gross": 0,
            }
        ],
        "discounts": [
            {"promotion": 1, "code": "VERANO", "kind": "percent", "label": "Summer", "of": 4280, "off": 428, "delivery": 0},
            {"promotion": 2, "code": None, "kind": "free_delivery", "label": "Free", "of": 490, "off": 490, "delivery": 490},
        ],
        "missed": [{"reason": "minimum_amount", "promotion": 3, "label": "More", "missing": 720}],
        "taxes": [
            {"rate_ppm": 210000, "exact_tax": "548100000/1210000", "net": 2157, "tax": 453, "gross": 2610},
            {"rate_ppm": 100000, "exact_tax": "124200000/1100000", "net": 1129, "tax": 113, "gross": 1242},
        ],
        "totals": {"subtotal": 4280, "discount": 918, "shipping": 490, "untaxed": 0, "tax": 566, "total": 3852},
    }


def test_where_the_contained_tax_is_taken_out_the_trace_says_how_much() -> None:
    trace = trace_of(EXPORT)

    mugs, oils = trace["lines"]
    assert (mugs["contained_ppm"], mugs["taken_out"], mugs["rate_ppm"], mugs["exact_tax"]) == (210_000, 503, 0, "0/1000000")
    assert (oils["contained_ppm"], oils["taken_out"], oils["net"]) == (100_000, 125, 1_255)
    assert trace["tax_note"] == "export"
    assert [share["exact_tax"] for share in trace["taxes"]] == ["0/1000000"]
    assert trace["totals"]["untaxed"] == 628


def test_net_prices_have_their_tax_on_top() -> None:
    trace = trace_of(quote_of(*GOODS, include=False, rounding=Rounding.ORDER))

    assert [line["exact_tax"] for line in trace["lines"]] == ["609000000/1000000", "138000000/1000000"]
    assert "contained_ppm" not in trace["lines"][0]
    assert (trace["rounding"], trace["prices_include_tax"]) == ("order", False)
    assert [share["exact_tax"] for share in trace["taxes"]] == ["609000000/1000000", "138000000/1000000"]


def test_net_prices_contain_nothing_that_could_be_taken_out() -> None:
    quote = quote_of(*GOODS, include=False, tax_rates={"standard": 0}, contained_rates={"standard": 210000}, tax_note="export")

    assert "contained_ppm" not in trace_of(quote)["lines"][0]
    assert quote.total_minor == quote.subtotal_minor


def test_the_same_quote_gives_the_same_bytes() -> None:
    again = quote_of(*GOODS, delivery=PARCEL, promotions=list(reversed(OFFERS)))

    text = write_trace(QUOTE, most=10_000)
    assert text == write_trace(again, most=10_000)
    assert json.loads(text) == trace_of(QUOTE)
    assert ", " not in text
    assert "Añejo" in write_trace(quote_of(make_item(), delivery=replace(PARCEL, name="Añejo")), most=10_000)


def test_a_trace_that_is_too_long_loses_its_lines_and_says_so() -> None:
    whole = len(write_trace(QUOTE, most=10_000))

    assert "is_cut" not in json.loads(write_trace(QUOTE, most=whole))
    cut = json.loads(write_trace(QUOTE, most=whole - 1))
    assert cut == {**trace_of(QUOTE), "lines": [], "missed": [], "is_cut": True}
    assert json.loads(write_trace(QUOTE, most=100)) == {"version": 1, "totals": trace_of(QUOTE)["totals"], "is_cut": True}


def test_what_was_missed_is_told_with_all_that_is_known() -> None:
    told = Missed(
        reason=MissedReason.BETTER, code="X", promotion_id=4, label="A", missing_count=2, missing_minor=3, other="B", on="2026-11-21"
    )

    assert dump_missed(told) == {
        "reason": "better",
        "code": "X",
        "promotion": 4,
        "label": "A",
        "missing": 3,
        "missing_count": 2,
        "other": "B",
        "on": "2026-11-21",
    }
    assert read_missed(dump_missed(told)) == told
    assert read_missed({"reason": "unknown"}) == Missed(reason=MissedReason.UNKNOWN)
    assert dump_missed(Missed(reason=MissedReason.UNKNOWN, code="X")) == {"reason": "unknown", "code": "X"}


def test_a_trace_of_just_the_most_letters_is_kept_and_a_cut_one_keeps_its_letters() -> None:
    spanish = quote_of(*GOODS, promotions=[promotion(percent_bp=1_000, label="Otoño")])
    whole = write_trace(spanish, most=10**6)
    cut = write_trace(spanish, most=len(whole) - 1)

    assert write_trace(spanish, most=len(whole)) == whole
    assert json.loads(cut)["is_cut"]
    assert "Otoño" in cut
    assert write_trace(spanish, most=len(cut)) == cut


def test_a_tax_of_another_country_is_told_on_what_is_left_when_ours_is_taken_out() -> None:
    abroad = quote_of(*GOODS, tax_rates={"standard": 80000}, contained_rates={"standard": 210000, "food": 100000})
    trace = trace_of(abroad)

    for line in trace["lines"]:
        assert line["exact_tax"] == f"{line['net'] * 80_000}/1000000"
    assert [share["exact_tax"] for share in trace["taxes"]] == [f"{sum(line['net'] for line in trace['lines']) * 80_000}/1000000"]
