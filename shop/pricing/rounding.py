"""Every rounding that money meets, each with its rule and its source. A tax rate is in parts per million (210000 is 21 %, 68750 is
6.875 %), a share of a promotion in basis points (1000 is 10 %)."""

from __future__ import annotations

from enum import StrEnum

WHOLE_BP = 10_000
WHOLE_PPM = 1_000_000


class Rounding(StrEnum):
    """Where tax is rounded: each line by itself, or once for all parts of an order that have the same rate.

    Source: EU law leaves it to the member states (CJEU C-484/06, Ahold; C-302/07, Wetherspoon): both are accepted, if one is kept to. EN 16931
    (BR-CO-17, BR-S-09) computes the tax of an electronic invoice once per rate.
    """

    LINE = "line"
    ORDER = "order"


def round_half_up(numerator: int, denominator: int) -> int:
    """The whole number nearest to ``numerator / denominator``; a half goes up, away from zero. ``denominator`` is positive.

    Source: Council Regulation (EC) No 1103/97, article 5, and Spain's Ley 46/1998, article 11: to the nearest cent, exactly half-way up. EU law
    leaves the rounding of VAT to the member states (CJEU C-484/06, Ahold); rounding half up each line is accepted in all of them.
    """
    if numerator < 0:
        return -round_half_up(-numerator, denominator)
    return (2 * numerator + denominator) // (2 * denominator)


def share_of(minor: int, share_bp: int) -> int:
    """So many basis points of an amount, half up."""
    return round_half_up(minor * share_bp, WHOLE_BP)
