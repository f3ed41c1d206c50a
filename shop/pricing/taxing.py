"""How much tax lies in an amount or comes on top of it: pure arithmetic. Which rate counts where is said in ``tax``."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple, Protocol

from shop.money import split
from shop.pricing.rounding import WHOLE_PPM, Rounding, round_half_up

STANDARD = "standard"


@dataclass(frozen=True, slots=True)
class Part:
    """Something to be taxed: what it costs as shown, what is taken off, its rate, and the one that the shown price contains where that differs."""

    base_minor: int
    discount_minor: int
    tax_rate_ppm: int
    contained_ppm: int | None = None

    @property
    def shown_minor(self) -> int:
        return self.base_minor - self.discount_minor


class Taxed(NamedTuple):
    """``net_minor + tax_minor == gross_minor``."""

    net_minor: int
    tax_minor: int
    gross_minor: int
    tax_rate_ppm: int


class Amounts(Protocol):
    """A line or adjustment of a quote or an order."""

    @property
    def net_minor(self) -> int: ...
    @property
    def tax_minor(self) -> int: ...
    @property
    def gross_minor(self) -> int: ...
    @property
    def tax_rate_ppm(self) -> int: ...


class TaxShare(NamedTuple):
    """All that has the same rate, as an invoice states it."""

    tax_rate_ppm: int
    net_minor: int
    tax_minor: int
    gross_minor: int


def tax_parts(parts: Sequence[Part], *, prices_include_tax: bool, rounding: Rounding) -> list[Taxed]:
    """Net, tax and gross of each part, in the same order. All parts of a quote have a ``contained_ppm`` or none has.

    Where a gross price contains another tax than the one that is asked (an export, a reverse charge), that is taken out first, and what is asked
    comes on top of the net price. Source: Council Directive 2006/112/EC, articles 138, 146, 194 and 196: such sales bear no tax.
    """
    shown = [part.shown_minor for part in parts]
    rates = [part.tax_rate_ppm for part in parts]
    contained = [part.contained_ppm for part in parts if part.contained_ppm is not None]
    if prices_include_tax and not contained:
        taxes = _taxes(shown, rates, rounding, is_contained=True)
        return [Taxed(gross - tax, tax, gross, rate) for gross, tax, rate in zip(shown, taxes, rates, strict=True)]
    nets = shown
    if prices_include_tax:
        taken = _taxes(shown, contained, rounding, is_contained=True)
        nets = [gross - tax for gross, tax in zip(shown, taken, strict=True)]
    taxes = _taxes(nets, rates, rounding, is_contained=False)
    return [Taxed(net, tax, net + tax, rate) for net, tax, rate in zip(nets, taxes, rates, strict=True)]


def _taxes(amounts: Sequence[int], rates: Sequence[int], rounding: Rounding, *, is_contained: bool) -> list[int]:
    """The tax of each amount: rounded each by itself, or once for all of a rate and then shared by largest remainders."""
    if rounding is Rounding.LINE:
        return [exact_tax(amount, rate, is_contained=is_contained).rounded for amount, rate in zip(amounts, rates, strict=True)]
    taxes = [0] * len(amounts)
    for rate in set(rates):
        same = [at for at, other in enumerate(rates) if other == rate]
        tax = exact_tax(sum(amounts[at] for at in same), rate, is_contained=is_contained).rounded
        for at, share in zip(same, split(tax, [amounts[at] for at in same]) if tax else [0] * len(same), strict=True):
            taxes[at] = share
    return taxes


class ExactTax(NamedTuple):
    """A tax before rounding: ``numerator / denominator`` minor units."""

    numerator: int
    denominator: int

    @property
    def rounded(self) -> int:
        return round_half_up(self.numerator, self.denominator)

    def __str__(self) -> str:
        return f"{self.numerator}/{self.denominator}"


def exact_tax(amount_minor: int, rate_ppm: int, *, is_contained: bool) -> ExactTax:
    """The tax contained in an amount, or coming on top of it."""
    return ExactTax(amount_minor * rate_ppm, WHOLE_PPM + rate_ppm if is_contained else WHOLE_PPM)


def share_delivery(shipping_minor: int, off_minor: int, own: tuple[int, int | None], sent: Iterable[Part]) -> list[Part]:
    """A delivery in one part for each rate of the goods that are sent, highest rate first, in proportion to what these cost.

    At its ``own`` rates when they cost nothing or none are given. Source: a delivery is ancillary to the goods and shares their treatment (CJEU
    C-349/96, Card Protection Plan); for several rates in proportion to the values (Ley 37/1992, article 79.2; UStAE 10.1, paragraph 11). Splitting
    gross amounts by gross prices splits the net ones by net prices.
    """
    by_rate: dict[tuple[int, int | None], int] = {}
    for part in sent:
        rates = part.tax_rate_ppm, part.contained_ppm
        by_rate[rates] = by_rate.get(rates, 0) + part.shown_minor
    weights = sorted(((rates, shown) for rates, shown in by_rate.items() if shown), reverse=True)
    if not weights or not shipping_minor:
        return [Part(shipping_minor, off_minor, *own)]
    bases = split(shipping_minor, [shown for _, shown in weights])
    offs = split(off_minor, bases)
    parts = [Part(base, off, *rates) for base, off, (rates, _) in zip(bases, offs, weights, strict=True)]
    return [part for part in parts if part.base_minor]


def sum_by_rate(parts: Iterable[Amounts]) -> tuple[TaxShare, ...]:
    """What an invoice states for each rate, highest first."""
    sums: dict[int, list[int]] = {}
    for part in parts:
        of_rate = sums.setdefault(part.tax_rate_ppm, [0, 0, 0])
        for at, amount in enumerate((part.net_minor, part.tax_minor, part.gross_minor)):
            of_rate[at] += amount
    return tuple(TaxShare(rate, *sums[rate]) for rate in sorted(sums, reverse=True))
