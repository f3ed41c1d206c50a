"""Why this price: everything that a quote did, as plain JSON, kept with the order. For whoever asks later, the code may have changed by then.

``version`` names the shape; a new shape gets a new number and readers keep the old ones. All amounts are minor units; "as shown" is gross or net as
``prices_include_tax`` says. Shapes of version 1:

- ``lines`` and ``beside``: ``base`` as shown before discounts, ``off`` what the discounts took, by their place in ``discounts``; ``shown`` what is left;
  ``rate_ppm`` and ``exact_tax``, a fraction of minor units, which ``rounding`` makes ``tax``; ``net`` + ``tax`` = ``gross``. Where the shown price
  contains another tax than the one that is asked, ``contained_ppm`` is its rate and ``taken_out`` how much of it was taken out.
- ``discounts``: what each looked at (``of``), what it took off the goods and the ``delivery``. ``missed``: what did not count, why, and what it takes.
- ``taxes``: net, tax and gross by rate; with rounding per order this is where ``exact_tax`` is rounded.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from shop.pricing.discounts import Discount
from shop.pricing.promotions import Missed, MissedReason
from shop.pricing.quote import Quote, QuoteAdjustment, QuoteLine
from shop.pricing.taxing import TaxShare, exact_tax

VERSION = 1
TOTALS = ("subtotal", "discount", "shipping", "untaxed", "tax", "total")


def trace_of(quote: Quote) -> dict[str, Any]:
    """The whole trace. The same quote gives the same trace, to the byte."""
    return {
        "version": VERSION,
        "currency": quote.currency,
        "prices_include_tax": quote.prices_include_tax,
        "rounding": quote.rounding.value,
        "tax_note": quote.tax_note,
        "lines": [_line(quote, at) for at in range(len(quote.lines))],
        "beside": [
            {"kind": part.kind, "source": part.source, "label": part.label, **_part(quote, part), "off": part.discount_minor}
            for part in quote.adjustments
        ],
        "discounts": [_discount(discount) for discount in quote.discounts],
        "missed": [dump_missed(missed) for missed in quote.missed],
        "taxes": [_of_rate(quote, share) for share in quote.taxes],
        "totals": {name: getattr(quote, f"{name}_minor") for name in TOTALS},
    }


def write_trace(quote: Quote, *, most: int) -> str:
    """The trace as JSON text of at most ``most`` letters; a longer one loses how each line came about, and says so by ``is_cut``."""
    trace = trace_of(quote)
    text = json.dumps(trace, ensure_ascii=False, separators=(",", ":"))
    if len(text) <= most:
        return text
    cut = {**trace, "lines": [], "missed": [], "is_cut": True}
    text = json.dumps(cut, ensure_ascii=False, separators=(",", ":"))
    return text if len(text) <= most else json.dumps({"version": VERSION, "totals": trace["totals"], "is_cut": True})


def _line(quote: Quote, at: int) -> dict[str, Any]:
    line = quote.lines[at]
    item = line.item
    return {
        "variant_id": item.variant_id,
        "sku": item.sku,
        "tax_class": item.tax_class,
        "quantity": item.quantity,
        "unit": item.unit_price_minor,
        **_part(quote, line),
        "off": [[number, discount.shares[at]] for number, discount in enumerate(quote.discounts) if discount.shares[at]],
    }


def _part(quote: Quote, part: QuoteLine | QuoteAdjustment) -> dict[str, Any]:
    told: dict[str, Any] = {"base": part.base_minor, "shown": part.shown_minor, "rate_ppm": part.tax_rate_ppm}
    is_contained = quote.prices_include_tax and part.contained_ppm is None
    exact = exact_tax(part.shown_minor if is_contained else part.net_minor, part.tax_rate_ppm, is_contained=is_contained)
    told |= {"exact_tax": str(exact), "net": part.net_minor, "tax": part.tax_minor, "gross": part.gross_minor}
    if quote.prices_include_tax and part.contained_ppm is not None:
        told |= {"contained_ppm": part.contained_ppm, "taken_out": part.shown_minor - part.net_minor}
    return told


def _discount(discount: Discount) -> dict[str, Any]:
    return {
        "promotion": discount.promotion_id,
        "code": discount.code,
        "kind": discount.kind.value,
        "label": discount.label,
        "of": discount.base_minor,
        "off": discount.amount_minor,
        "delivery": discount.delivery_minor,
    }


def dump_missed(missed: Missed) -> dict[str, Any]:
    """Why a code or promotion did not count; only what is known of it."""
    told = {
        "reason": missed.reason.value,
        "code": missed.code,
        "promotion": missed.promotion_id,
        "label": missed.label,
        "missing": missed.missing_minor,
        "missing_count": missed.missing_count,
        "other": missed.other,
        "on": missed.on,
    }
    return {name: value for name, value in told.items() if value not in (None, "")}


def read_missed(told: Mapping[str, Any]) -> Missed:
    """What ``dump_missed`` told; the goods that it was about are not kept."""
    return Missed(
        reason=MissedReason(told["reason"]),
        code=told.get("code"),
        promotion_id=told.get("promotion"),
        label=told.get("label", ""),
        missing_minor=told.get("missing"),
        missing_count=told.get("missing_count"),
        other=told.get("other", ""),
        on=told.get("on", ""),
    )


def _of_rate(quote: Quote, share: TaxShare) -> dict[str, Any]:
    parts: list[QuoteLine | QuoteAdjustment] = [*quote.lines, *quote.adjustments]
    is_contained = quote.prices_include_tax and all(part.contained_ppm is None for part in parts)
    exact = exact_tax(share.gross_minor if is_contained else share.net_minor, share.tax_rate_ppm, is_contained=is_contained)
    return {
        "rate_ppm": share.tax_rate_ppm,
        "exact_tax": str(exact),
        "net": share.net_minor,
        "tax": share.tax_minor,
        "gross": share.gross_minor,
    }
