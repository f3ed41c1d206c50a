"""Amounts as Stripe writes them. They are minor units, but not always those of ISO 4217.

Source: https://docs.stripe.com/currencies#minor-units and #special-cases
"""

from __future__ import annotations

from shop.money import decimals
from shop.payment.gateways.base import Refused

NONE = frozenset({"BIF", "CLP", "DJF", "GNF", "JPY", "KMF", "KRW", "MGA", "PYG", "RWF", "VND", "VUV", "XAF", "XOF", "XPF"})
THREE = frozenset({"BHD", "JOD", "KWD", "OMR", "TND"})
# All others are sent with two decimals, also those that have none in life, such as ISK and UGX.


def to_stripe(minor: int, currency: str) -> int:
    """What Stripe is asked for.

    Raises:
        Refused: Stripe cannot write this amount.
    """
    up, down = _factors(currency)
    if minor * up % down or (currency in THREE and minor * up // down % 10):
        raise Refused(f"Stripe cannot take {minor} of the smallest unit of {currency}")
    return minor * up // down


def from_stripe(amount: int, currency: str) -> int:
    """What Stripe's number is in our minor units; an amount that we cannot write is rounded down, and then fits nothing that we asked for."""
    up, down = _factors(currency)
    return amount * down // up


def _factors(currency: str) -> tuple[int, int]:
    theirs = 0 if currency in NONE else 3 if currency in THREE else 2
    ours = decimals(currency)
    return 10 ** max(0, theirs - ours), 10 ** max(0, ours - theirs)
