"""What so many pieces of an order's line amount to, as a pure function of the line as it was agreed: parts of a line always sum to the whole."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Share:
    """The amounts of some pieces, after discounts; ``off_minor`` is what discounts took off them, as prices are shown."""

    net_minor: int
    tax_minor: int
    off_minor: int

    @property
    def gross_minor(self) -> int:
        return self.net_minor + self.tax_minor

    def __sub__(self, other: Share) -> Share:
        return Share(self.net_minor - other.net_minor, self.tax_minor - other.tax_minor, self.off_minor - other.off_minor)


def share_of(line: Any, pieces: int, *, prices_include_tax: bool) -> Share:
    """The first ``pieces`` of a line, each amount rounded down; all of its pieces are the line itself."""
    tax, off = (amount * pieces // line.quantity for amount in (line.tax_minor, line.discount_minor))
    if prices_include_tax:
        return Share(line.gross_minor * pieces // line.quantity - tax, tax, off)
    return Share(line.net_minor * pieces // line.quantity, tax, off)
