"""Why an order costs what it costs, for staff: the trace that was written down with it, as amounts and words."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from flask_babel import format_decimal
from flask_babel import gettext as _

from shop.cart.missed import say_missed
from shop.cart.sums import name_discount
from shop.money import Money, decimals
from shop.pricing.rounding import Rounding
from shop.pricing.trace import read_missed


@dataclass(frozen=True, slots=True)
class PartWhy:
    """A line or the delivery: its price before discounts, what each took, what is left, and how its tax came about."""

    name: str
    quantity: int | None
    unit: Money | None
    base: Money
    offs: tuple[tuple[str, Money], ...]
    shown: Money
    taken_out: Money | None
    rate: str
    exact_tax: str
    net: Money
    tax: Money
    gross: Money


@dataclass(frozen=True, slots=True)
class Why:
    """The whole trace. ``discounts`` are (name, of what, how much); ``taxes`` (rate, exact, net, tax, gross); ``missed`` are sentences.

    ``is_cut``: the trace was too long to be kept whole.
    """

    parts: tuple[PartWhy, ...]
    discounts: tuple[tuple[str, Money, Money], ...]
    taxes: tuple[tuple[str, str, Money, Money, Money], ...]
    missed: tuple[str, ...]
    is_rounded_per_order: bool
    is_cut: bool


def explain(trace: Mapping[str, Any], names: Mapping[int, str], locale: str) -> Why:
    """The trace as people read it. ``names`` are those of the variants as they were bought."""
    currency = str(trace.get("currency", ""))
    discounts = tuple(
        (name_discount(one["label"], one["code"]), Money(one["of"], currency), Money(one["off"], currency))
        for one in trace.get("discounts", ())
    )
    lines = [
        _part(told, currency, names.get(told["variant_id"], told["sku"]), [(discounts[number][0], off) for number, off in told["off"]])
        for told in trace.get("lines", ())
    ]
    beside = [_part(told, currency, told["label"], [(_("Discounts"), told["off"])]) for told in trace.get("beside", ())]
    return Why(
        parts=(*lines, *beside),
        discounts=discounts,
        taxes=tuple(
            (
                rate_text(told["rate_ppm"]),
                _exact(told, currency),
                Money(told["net"], currency),
                Money(told["tax"], currency),
                Money(told["gross"], currency),
            )
            for told in trace.get("taxes", ())
        ),
        missed=tuple(say_missed(read_missed(told), locale) for told in trace.get("missed", ())),
        is_rounded_per_order=trace.get("rounding") == Rounding.ORDER,
        is_cut=bool(trace.get("is_cut")),
    )


def _part(told: Mapping[str, Any], currency: str, name: str, offs: list[tuple[str, int]]) -> PartWhy:
    def money(key: str) -> Money | None:
        return Money(told[key], currency) if key in told else None

    return PartWhy(
        name=name,
        quantity=told.get("quantity"),
        unit=money("unit"),
        base=Money(told["base"], currency),
        offs=tuple((what, Money(off, currency)) for what, off in offs if off),
        shown=Money(told["shown"], currency),
        taken_out=money("taken_out"),
        rate=rate_text(told["rate_ppm"]),
        exact_tax=_exact(told, currency),
        net=Money(told["net"], currency),
        tax=Money(told["tax"], currency),
        gross=Money(told["gross"], currency),
    )


def rate_text(rate_ppm: int) -> str:
    """255000 is ``25.5 %``."""
    return f"{format_decimal(Decimal(rate_ppm) / 10_000, '0.####')} %"


def _exact(told: Mapping[str, Any], currency: str) -> str:
    """The tax before rounding, in whole units of the currency with as many places more as one reads."""
    numerator, denominator = (Decimal(part) for part in str(told["exact_tax"]).split("/"))
    places = decimals(currency)
    return str(format_decimal((numerator / denominator).scaleb(-places), f"0.{'0' * places}####"))
