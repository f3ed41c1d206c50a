"""How an amount that goes back is spread over what was invoiced, as a pure function of values: a credit note never exceeds its invoice, in no tax rate.

The last part takes the rest, so that parts which give everything back end at exactly nothing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from shop.money import Money
from shop.pricing.rounding import WHOLE_PPM, round_half_up


@dataclass(frozen=True, slots=True)
class Taxed:
    """An amount at one tax rate: ``net_minor + tax_minor == gross_minor``."""

    rate_ppm: int
    net_minor: int
    tax_minor: int

    @property
    def gross_minor(self) -> int:
        return self.net_minor + self.tax_minor


def by_rate(parts: Sequence[Taxed]) -> dict[int, Taxed]:
    """The sum at each rate, highest first; rates that come to nothing are left out."""
    found: dict[int, tuple[int, int]] = {}
    for part in parts:
        net, tax = found.get(part.rate_ppm, (0, 0))
        found[part.rate_ppm] = (net + part.net_minor, tax + part.tax_minor)
    return {rate: Taxed(rate, net, tax) for rate, (net, tax) in sorted(found.items(), reverse=True) if net or tax}


def split_credit(gross_minor: int, left: Mapping[int, Taxed], wished: Mapping[int, int] | None = None) -> list[Taxed]:
    """``gross_minor`` (at most what is left) as parts by rate. ``wished`` says how much of each rate is meant; what it does not cover is spread
    over the rates in proportion to what is left of them.
    """
    amounts = {rate: max(part.gross_minor, 0) for rate, part in left.items()}
    gross_minor = min(gross_minor, sum(amounts.values()))
    taken = _take_wished(gross_minor, amounts, wished or {})
    rest = gross_minor - sum(taken.values())
    for rate, share in _spread(rest, {rate: amounts[rate] - taken[rate] for rate in amounts}).items():
        taken[rate] += share
    return [_part(left[rate], gross) for rate, gross in taken.items() if gross]


def _take_wished(gross_minor: int, amounts: Mapping[int, int], wished: Mapping[int, int]) -> dict[int, int]:
    taken = dict.fromkeys(amounts, 0)
    for rate in taken:
        taken[rate] = max(min(wished.get(rate, 0), amounts[rate], gross_minor - sum(taken.values())), 0)
    return taken


def _spread(rest: int, room: Mapping[int, int]) -> dict[int, int]:
    """Largest remainders keep the sum; none gets more than its room, since ``rest`` is at most all room together."""
    if not rest:
        return {}
    shares = [part.minor for part in Money(rest, "XXX").allocate(list(room.values()))]
    return dict(zip(room, shares, strict=True))


def _part(left: Taxed, gross_minor: int) -> Taxed:
    """So much of what is left at a rate; all of it takes exactly the tax that is left."""
    if gross_minor == left.gross_minor:
        return left
    tax = round_half_up(gross_minor * left.rate_ppm, WHOLE_PPM + left.rate_ppm)
    tax = max(min(tax, left.tax_minor, gross_minor), gross_minor - left.net_minor)
    return Taxed(left.rate_ppm, gross_minor - tax, tax)
