"""Money: whole minor units and an ISO 4217 currency. No floats, ever.

What a customer is asked to pay is computed in ``shop.pricing``; how money is written for people is ``format_money``.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from functools import lru_cache

from babel.numbers import format_currency, get_currency_precision

MAX_MINOR = 10**14


class CurrencyMismatch(TypeError):
    """Two currencies met in one sum."""


@lru_cache(maxsize=256)
def decimals(currency: str) -> int:
    """How many decimals the currency has: EUR 2, JPY 0, KWD 3. Source: Unicode CLDR."""
    return get_currency_precision(currency)


@dataclass(frozen=True, slots=True, order=False)
class Money:
    """``minor`` whole minor units of ``currency``: ``Money(1999, "EUR")`` is €19.99."""

    minor: int
    currency: str

    def __post_init__(self) -> None:
        if type(self.minor) is not int:
            raise TypeError(f"money counts whole minor units, not {type(self.minor).__name__}")

    @classmethod
    def zero(cls, currency: str) -> Money:
        return cls(0, currency)

    @classmethod
    def from_decimal(cls, amount: Decimal, currency: str) -> Money:
        """``Decimal("19.99")`` → 1999 minor units.

        Raises:
            ValueError: the amount has more decimals than the currency, or is no finite number.
        """
        minor = amount.scaleb(decimals(currency)) if amount.is_finite() else amount
        if not amount.is_finite() or minor != minor.to_integral_value():
            raise ValueError(f"{amount} has more decimals than {currency} knows")
        return cls(int(minor), currency)

    def to_decimal(self) -> Decimal:
        return Decimal(self.minor).scaleb(-decimals(self.currency))

    def __add__(self, other: Money) -> Money:
        return Money(self.minor + self._same(other), self.currency)

    def __sub__(self, other: Money) -> Money:
        return Money(self.minor - self._same(other), self.currency)

    def __mul__(self, times: int) -> Money:
        if type(times) is not int:
            return NotImplemented
        return Money(self.minor * times, self.currency)

    __rmul__ = __mul__

    def __neg__(self) -> Money:
        return Money(-self.minor, self.currency)

    def __lt__(self, other: Money) -> bool:
        return self.minor < self._same(other)

    def __le__(self, other: Money) -> bool:
        return self.minor <= self._same(other)

    def __gt__(self, other: Money) -> bool:
        return self.minor > self._same(other)

    def __ge__(self, other: Money) -> bool:
        return self.minor >= self._same(other)

    def __bool__(self) -> bool:
        return self.minor != 0

    def allocate(self, weights: Sequence[int]) -> list[Money]:
        """Split by whole weights so that the parts always sum to the whole.

        Largest remainders get the leftover units; among equals the earlier part. Source: Hamilton's method.

        Raises:
            ValueError: no weight, a negative one, or all zero.
        """
        return [Money(share, self.currency) for share in split(self.minor, weights)]

    def dump(self) -> dict[str, int | str]:
        """The JSON form: ``{"minor": 1999, "currency": "EUR"}``."""
        return {"minor": self.minor, "currency": self.currency}

    def _same(self, other: Money) -> int:
        if not isinstance(other, Money):
            raise TypeError(f"money and {type(other).__name__} do not mix")
        if other.currency != self.currency:
            raise CurrencyMismatch(f"{self.currency} and {other.currency} do not mix")
        return other.minor


def split(minor: int, weights: Sequence[int]) -> list[int]:
    """``Money.allocate`` for plain minor units.

    Raises:
        ValueError: no weight, a negative one, or all zero.
    """
    whole = sum(weights)
    if not weights or whole <= 0 or min(weights) < 0:
        raise ValueError("weights must be whole, not negative, and not all zero")
    sign, minor = (-1, -minor) if minor < 0 else (1, minor)
    products = [minor * weight for weight in weights]
    shares = [product // whole for product in products]
    left = minor - sum(shares)
    if left:
        rests = [share * whole - product for share, product in zip(shares, products, strict=True)]
        for at in sorted(range(len(rests)), key=rests.__getitem__)[:left]:
            shares[at] += 1
    return shares if sign > 0 else [-share for share in shares]


def total(amounts: Iterable[Money], currency: str) -> Money:
    """The sum, in ``currency`` even when there is nothing to add."""
    result = Money.zero(currency)
    for amount in amounts:
        result += amount
    return result


@lru_cache(maxsize=4096)
def format_minor(minor: int, currency: str, locale: str) -> str:
    """As people of ``locale`` write it: ``€19.99`` in ``en``, ``19,99 €`` in ``es``. No-break spaces as CLDR has them."""
    return format_currency(Money(minor, currency).to_decimal(), currency, locale=locale)


def format_money(amount: Money, locale: str) -> str:
    """See ``format_minor``."""
    return format_minor(amount.minor, amount.currency, locale)


PLAIN = re.compile(r"[0-9]{1,12}([.,][0-9]{1,4})?")


def parse_amount(text: str, currency: str) -> Money:
    """Read what a person typed into a price field: ``19.99`` or ``19,99``; ASCII digits, no signs, no thousands.

    Raises:
        ValueError: it is not such a number, or has more decimals than the currency.
    """
    if not PLAIN.fullmatch(text.strip()):
        raise ValueError("write an amount such as 19.99")
    return Money.from_decimal(Decimal(text.strip().replace(",", ".")), currency)
