"""What a customer is asked to pay, as a pure function of values: goods, delivery, tax, and how each amount came about.

No database, no request, no clock. Amounts are whole minor units; rates are basis points (2100 is 21 %). With ``prices_include_tax`` all prices are
gross and the tax is the part contained in them; without it they are net and the tax comes on top.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

WHOLE_BP = 10_000
STANDARD = "standard"


@dataclass(frozen=True, slots=True)
class Item:
    """So many pieces of a variant at a unit price, gross or net as the shop's prices are."""

    variant_id: int
    product_id: int
    name: str
    options: str
    sku: str
    unit_price_minor: int
    compare_at_minor: int | None
    quantity: int
    tax_class: str
    weight_g: int
    requires_shipping: bool
    image_id: int | None
    slug: str


@dataclass(frozen=True, slots=True)
class Delivery:
    """A way to deliver; nothing to pay from ``free_from_minor`` of goods on. ``kind`` is ``delivery`` or ``pickup``."""

    code: str
    name: str
    kind: str
    price_minor: int
    free_from_minor: int | None
    tax_class: str
    note: str = ""

    @property
    def is_pickup(self) -> bool:
        return self.kind == "pickup"

    def price_for(self, subtotal_minor: int) -> int:
        """What it costs with goods of ``subtotal_minor``, as they are shown."""
        is_free = self.free_from_minor is not None and subtotal_minor >= self.free_from_minor
        return 0 if is_free else self.price_minor


@dataclass(frozen=True, slots=True)
class QuoteLine:
    """A whole line: ``net_minor + tax_minor == gross_minor``."""

    item: Item
    net_minor: int
    tax_minor: int
    gross_minor: int
    tax_rate_bp: int


@dataclass(frozen=True, slots=True)
class QuoteAdjustment:
    """A plus or minus beside the lines: ``kind`` is ``shipping`` or ``discount``, ``source`` names what caused it."""

    kind: str
    source: str
    label: str
    net_minor: int
    tax_minor: int
    gross_minor: int
    tax_rate_bp: int


@dataclass(frozen=True, slots=True)
class TraceStep:
    """How one tax came about: of ``base_minor`` at ``tax_rate_bp`` the exact tax is ``numerator / denominator`` minor units."""

    what: str
    base_minor: int
    tax_rate_bp: int
    tax_minor: int
    numerator: int
    denominator: int
    rounding: str = "half-up"

    def __str__(self) -> str:
        percent = f"{self.tax_rate_bp // 100}.{self.tax_rate_bp % 100:02d}"
        return f"{self.what}: {percent} % of {self.base_minor} = {self.numerator}/{self.denominator} → {self.tax_minor} ({self.rounding})"


@dataclass(frozen=True, slots=True)
class Quote:
    """All that a customer is asked to pay. Subtotal and shipping are as shown (gross when prices include tax); ``total_minor`` is owed."""

    currency: str
    prices_include_tax: bool
    lines: tuple[QuoteLine, ...]
    adjustments: tuple[QuoteAdjustment, ...]
    delivery: Delivery | None
    subtotal_minor: int
    discount_minor: int
    shipping_minor: int
    tax_minor: int
    total_minor: int

    @property
    def trace(self) -> tuple[TraceStep, ...]:
        """How each tax was computed, lines first, then what is beside them."""
        lines = (_explain(f"line {line.item.sku or line.item.variant_id}", line, self.prices_include_tax) for line in self.lines)
        beside = (_explain(f"{part.kind} {part.source}", part, self.prices_include_tax) for part in self.adjustments)
        return (*lines, *beside)

    @property
    def fingerprint(self) -> str:
        """A short hash of everything that is asked to be paid. The order of lines and the language of names do not matter."""
        lines = sorted((line.item.variant_id, line.item.quantity, line.item.unit_price_minor, *_amounts(line)) for line in self.lines)
        beside = sorted((adjustment.kind, adjustment.source, *_amounts(adjustment)) for adjustment in self.adjustments)
        code = self.delivery.code if self.delivery else None
        asked = (self.currency, self.prices_include_tax, lines, beside, code, self.total_minor)
        return hashlib.sha256(repr(asked).encode()).hexdigest()[:20]


def make_quote(
    items: Sequence[Item], *, currency: str, prices_include_tax: bool, tax_rates: Mapping[str, int], delivery: Delivery | None
) -> Quote:
    """Price the items and their delivery. Each line is taxed and rounded by itself; sums add rounded amounts, so that every paper agrees.

    ``tax_rates`` maps a tax class to basis points; a class without a rate is taxed at the standard one.
    """
    lines = tuple(_price_line(item, _rate(tax_rates, item.tax_class), prices_include_tax) for item in items)
    subtotal = sum(item.unit_price_minor * item.quantity for item in items)
    shipping = delivery.price_for(subtotal) if delivery else 0
    adjustments: tuple[QuoteAdjustment, ...] = ()
    if delivery:
        rate = _rate(tax_rates, delivery.tax_class)
        adjustments = (QuoteAdjustment("shipping", delivery.code, delivery.name, *_split(shipping, rate, prices_include_tax), rate),)
    tax = sum(line.tax_minor for line in lines) + sum(adjustment.tax_minor for adjustment in adjustments)
    total = sum(line.gross_minor for line in lines) + sum(adjustment.gross_minor for adjustment in adjustments)
    return Quote(currency, prices_include_tax, lines, adjustments, delivery, subtotal, 0, shipping, tax, total)


def round_half_up(numerator: int, denominator: int) -> int:
    """The whole number nearest to ``numerator / denominator``; a half goes up, away from zero. ``denominator`` is positive.

    Source: Council Regulation (EC) No 1103/97, article 5, and Spain's Ley 46/1998, article 11: to the nearest cent, exactly half-way up. EU law
    leaves the rounding of VAT to the member states (CJEU C-484/06, Ahold); rounding half up each line is accepted in all of them.
    """
    if numerator < 0:
        return -round_half_up(-numerator, denominator)
    return (2 * numerator + denominator) // (2 * denominator)


def _rate(tax_rates: Mapping[str, int], tax_class: str) -> int:
    rate = tax_rates.get(tax_class)
    return tax_rates.get(STANDARD, 0) if rate is None else rate


def _price_line(item: Item, rate_bp: int, prices_include_tax: bool) -> QuoteLine:  # noqa: FBT001
    return QuoteLine(item, *_split(item.unit_price_minor * item.quantity, rate_bp, prices_include_tax), rate_bp)


def _split(shown_minor: int, rate_bp: int, prices_include_tax: bool) -> tuple[int, int, int]:  # noqa: FBT001
    """Net, tax and gross of an amount as it is shown."""
    tax = round_half_up(shown_minor * rate_bp, WHOLE_BP + rate_bp if prices_include_tax else WHOLE_BP)
    return (shown_minor - tax, tax, shown_minor) if prices_include_tax else (shown_minor, tax, shown_minor + tax)


def _explain(what: str, part: QuoteLine | QuoteAdjustment, prices_include_tax: bool) -> TraceStep:  # noqa: FBT001
    base = part.gross_minor if prices_include_tax else part.net_minor
    denominator = WHOLE_BP + part.tax_rate_bp if prices_include_tax else WHOLE_BP
    return TraceStep(what, base, part.tax_rate_bp, part.tax_minor, base * part.tax_rate_bp, denominator)


def _amounts(part: QuoteLine | QuoteAdjustment) -> tuple[int, int, int, int]:
    return part.net_minor, part.tax_minor, part.gross_minor, part.tax_rate_bp
