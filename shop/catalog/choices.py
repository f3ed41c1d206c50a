"""Choosing a variant by the words of the URL: ``?color=sage&size=350``. Each value says whether it can be had together with the others."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple
from urllib.parse import urlencode

from flask_babel import gettext as _

from shop.catalog.details import Detail, Option, Value
from shop.catalog.queries import VariantRow
from shop.money import Money

ANCHOR = "#buy"


class ValueChoice(NamedTuple):
    """One value as a link; ``note`` says "sold out" or "+ €2.50"; ``difference`` is the change of price, if any."""

    name: str
    swatch: str
    url: str
    is_chosen: bool
    is_available: bool
    note: str
    difference: Money | None


class OptionChoice(NamedTuple):
    """An option with its values in order."""

    name: str
    values: list[ValueChoice]


class Choice(NamedTuple):
    """What is chosen. ``variant`` is None where the chosen values do not go together; ``words`` are the names of the values."""

    variant: VariantRow | None
    words: str
    params: dict[str, str]
    options: list[OptionChoice]


class _Offer(NamedTuple):
    """What is chosen so far, and what can be had: variants by their values, values that any variant on sale has."""

    detail: Detail
    chosen: dict[int, int]
    variant: VariantRow | None
    by_values: dict[frozenset[tuple[int, int]], VariantRow]
    sellable: set[int]
    url: str
    currency: str


def choose(detail: Detail, variants: Sequence[VariantRow], wanted: Mapping[str, str], *, url: str, currency: str) -> Choice:
    """The variant that fits ``wanted`` (option code → value code; what is unknown is left aside), and the way to each other one."""
    chosen = _known(detail, wanted)
    fitting = [variant for variant in variants if chosen.items() <= detail.choices.get(variant.id, {}).items()]
    variant = next((fit for fit in fitting if fit.is_available), fitting[0] if fitting else None)
    if variant is not None:
        chosen = {**detail.choices.get(variant.id, {}), **chosen}
    offer = _Offer(
        detail,
        chosen,
        variant,
        {frozenset(detail.choices.get(other.id, {}).items()): other for other in reversed(variants)},
        {value for other in variants if other.is_available for value in detail.choices.get(other.id, {}).values()},
        url,
        currency,
    )
    options = [OptionChoice(option.name, [_value_choice(offer, option, value) for value in option.values]) for option in detail.options]
    names = [value.name for option in detail.options for value in option.values if chosen.get(option.id) == value.id]
    return Choice(variant, ", ".join(names), _params(detail, chosen) if wanted else {}, options)


def variant_url(detail: Detail, variant: VariantRow, url: str) -> str:
    """The product's page with this variant chosen."""
    params = _params(detail, detail.choices.get(variant.id, {}))
    return f"{url}?{urlencode(params)}" if params else url


def _known(detail: Detail, wanted: Mapping[str, str]) -> dict[int, int]:
    """Those wishes that name an option and a value of this product."""
    known = {}
    for option in detail.options:
        for value in option.values:
            if wanted.get(option.code) == value.code:
                known[option.id] = value.id
    return known


def _value_choice(offer: _Offer, option: Option, value: Value) -> ValueChoice:
    together = {**offer.chosen, option.id: value.id}
    other = offer.by_values.get(frozenset(together.items()))
    # A pair that does not exist leads to the value alone: the page then shows what there is of it.
    params = _params(offer.detail, together if other is not None else {option.id: value.id})
    return ValueChoice(
        value.name,
        value.swatch,
        f"{offer.url}?{urlencode(params)}{ANCHOR}",
        offer.chosen.get(option.id) == value.id,
        other is not None and other.is_available,
        _note(offer, option, value, other),
        _difference(offer, other),
    )


def _note(offer: _Offer, option: Option, value: Value, other: VariantRow | None) -> str:
    """What stands against this value, in words: it is sold out, or not made together with what else is chosen."""
    if other is not None and other.is_available:
        return ""
    beside = ", ".join(
        found.name
        for beside in offer.detail.options
        for found in beside.values
        if beside.id != option.id and offer.chosen.get(beside.id) == found.id
    )
    if value.id not in offer.sellable or not beside:
        return _("sold out")
    return _("not in %(values)s", values=beside) if other is None else _("sold out in %(values)s", values=beside)


def _difference(offer: _Offer, other: VariantRow | None) -> Money | None:
    """How much more or less the other one costs than what is chosen."""
    if other is None or not other.is_available or offer.variant is None or other.price_minor == offer.variant.price_minor:
        return None
    return Money(other.price_minor - offer.variant.price_minor, offer.currency)


def _params(detail: Detail, chosen: Mapping[int, int]) -> dict[str, str]:
    return {option.code: value.code for option in detail.options for value in option.values if chosen.get(option.id) == value.id}
