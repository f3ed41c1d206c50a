"""The rows under a list of goods: goods, each discount, delivery, tax, total. One function for cart, checkout, order and mail, so that they agree."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from flask_babel import gettext as _

from shop.money import Money
from shop.pricing.quote import Quote

Row = tuple[str, Money | str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Sums:
    """The amounts of a quote or an order, as ``Quote`` defines them. ``delivery`` is its name, None where nothing is delivered."""

    subtotal: Money
    discounts: Sequence[tuple[str, Money]]
    delivery_discounts: Sequence[tuple[str, Money]]
    delivery: str | None
    shipping: Money
    untaxed: Money
    tax: Money
    total: Money
    prices_include_tax: bool
    tax_note: str


def sums_of_quote(quote: Quote, delivery: str | None) -> list[Row]:
    """The rows of what the customer is asked to pay now."""

    def money(minor: int) -> Money:
        return Money(minor, quote.currency)

    named = [(bool(one.delivery_minor), name_discount(one.label, one.code), money(one.amount_minor)) for one in quote.discounts]
    return sum_rows(
        Sums(
            subtotal=money(quote.subtotal_minor),
            discounts=[(name, amount) for is_delivery, name, amount in named if not is_delivery],
            delivery_discounts=[(name, amount) for is_delivery, name, amount in named if is_delivery],
            delivery=delivery if quote.delivery else None,
            shipping=money(quote.shipping_minor),
            untaxed=money(quote.untaxed_minor),
            tax=money(quote.tax_minor),
            total=money(quote.total_minor),
            prices_include_tax=quote.prices_include_tax,
            tax_note=quote.tax_note,
        ),
        _("Total"),
    )


def sum_rows(sums: Sums, total_name: str) -> list[Row]:
    """Rows for the macro ``sums``: (name, amount, kind). They add up to the total; the tax that prices contain stands below it."""
    rows: list[Row] = [(_("Goods"), sums.subtotal, "")]
    rows += [(name, -amount, "") for name, amount in sums.discounts]
    if sums.delivery is not None:
        rows.append((sums.delivery, sums.shipping or _("Free"), ""))
    rows += [(name, -amount, "") for name, amount in sums.delivery_discounts]
    if sums.untaxed:
        rows.append((_untaxed(sums.tax_note), -sums.untaxed, ""))
    if not sums.prices_include_tax:
        rows.append((_untaxed(sums.tax_note) if sums.tax_note else _("Tax"), sums.tax, ""))
    rows.append((total_name, sums.total, "all"))
    if sums.prices_include_tax and not sums.tax_note:
        rows.append((_("Tax included"), sums.tax, "tax"))
    return rows


def name_discount(label: str, code: str | None) -> str:
    """ "Summer sale (SUMMER)"; the code alone says less."""
    return f"{label} ({code})" if code and code != label else label


def _untaxed(note: str) -> str:
    if note == "reverse_charge":
        return _("Tax: the buyer owes it (reverse charge)")
    return _("Tax: none, it leaves the area of our tax")
