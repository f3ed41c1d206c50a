"""What a customer is asked to pay, as a pure function of values: goods, promotions, delivery, tax, and how each amount came about.

No database, no request, no clock. Amounts are whole minor units; rates are parts per million (210000 is 21 %). With ``prices_include_tax`` all prices are
gross and the tax is the part contained in them; without it they are net and the tax comes on top.

What is computed, in this order: the goods at their prices; the delivery by what the goods cost before discounts; the promotions off both
(``promotions`` says which and in which order); the tax of what is left; the sums, which only ever add rounded amounts, so that every paper agrees.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from shop.pricing.delivery import GOODS, Basket, Delivery
from shop.pricing.discounts import Discount, Offers, find_offers
from shop.pricing.goods import Item, basket_of
from shop.pricing.promotions import Missed, Promotion
from shop.pricing.rounding import Rounding
from shop.pricing.taxing import STANDARD, Part, Taxed, TaxShare, share_delivery, sum_by_rate, tax_parts


@dataclass(frozen=True, slots=True)
class QuoteLine:
    """A whole line as it is owed, after its discounts: ``net_minor + tax_minor == gross_minor``. ``base_minor`` is before them, as shown."""

    item: Item
    base_minor: int
    discount_minor: int
    net_minor: int
    tax_minor: int
    gross_minor: int
    tax_rate_ppm: int
    contained_ppm: int | None = None

    @property
    def shown_minor(self) -> int:
        """What the line costs after its discounts, gross or net as prices are shown."""
        return self.base_minor - self.discount_minor


@dataclass(frozen=True, slots=True)
class QuoteAdjustment:
    """A plus beside the lines, as it is owed after discounts: the delivery, in one part for each rate of tax. ``source`` names what caused it."""

    kind: str
    source: str
    label: str
    base_minor: int
    discount_minor: int
    net_minor: int
    tax_minor: int
    gross_minor: int
    tax_rate_ppm: int
    contained_ppm: int | None = None

    @property
    def shown_minor(self) -> int:
        return self.base_minor - self.discount_minor


@dataclass(frozen=True, slots=True)
class Quote:
    """All that a customer is asked to pay; ``total_minor`` is owed.

    Subtotal, shipping and discount are as shown (gross when prices include tax), before the discounts that ``discounts`` lists one by one. Then
    total = subtotal - discount + shipping - untaxed where prices include tax, and subtotal - discount + shipping + tax where they do not.
    It is also the sum of the gross amounts of all lines and adjustments. ``untaxed_minor`` is the tax that
    is taken out of gross prices where none is asked, ``tax_note`` says why (``export``, ``reverse_charge``).
    """

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
    discounts: tuple[Discount, ...] = ()
    missed: tuple[Missed, ...] = ()
    untaxed_minor: int = 0
    tax_note: str = ""
    rounding: Rounding = Rounding.LINE

    @property
    def basket(self) -> Basket:
        """What deliveries look at."""
        return basket_of([line.item for line in self.lines])

    @property
    def taxes(self) -> tuple[TaxShare, ...]:
        """Net, tax and gross of all that has the same rate, highest rate first; they sum to the whole."""
        return sum_by_rate([*self.lines, *self.adjustments])

    @property
    def fingerprint(self) -> str:
        """A short hash of everything that is asked to be paid. The order of lines and the language of names do not matter."""
        lines = sorted((line.item.variant_id, line.item.quantity, line.item.unit_price_minor, *_asked(line)) for line in self.lines)
        beside = sorted((adjustment.kind, adjustment.source, *_asked(adjustment)) for adjustment in self.adjustments)
        off = sorted((discount.promotion_id, discount.code or "", discount.amount_minor) for discount in self.discounts)
        code = self.delivery.code if self.delivery else None
        asked = (self.currency, self.prices_include_tax, self.tax_note, lines, beside, off, code, self.total_minor)
        return hashlib.sha256(repr(asked).encode()).hexdigest()[:20]


def make_quote(
    items: Sequence[Item],
    *,
    currency: str,
    prices_include_tax: bool,
    tax_rates: Mapping[str, int],
    delivery: Delivery | None,
    promotions: Iterable[Promotion] = (),
    codes: Collection[str] = (),
    missed: Iterable[Missed] = (),
    groups: Collection[str] = (),
    rounding: Rounding = Rounding.LINE,
    contained_rates: Mapping[str, int] | None = None,
    tax_note: str = "",
) -> Quote:
    """Price the items, their delivery and all promotions that hold now.

    ``tax_rates`` maps a tax class to parts per million; a class without a rate is taxed at the standard one. ``contained_rates`` are given where gross
    prices contain another tax than the one that is asked: it is taken out. ``codes`` are all that the customer typed, those of ``promotions`` and of
    ``missed`` among them; ``missed`` are the ones that were refused outside. ``groups`` are the customer's.
    """
    order = sorted(range(len(items)), key=lambda at: items[at].rank)
    back = sorted(range(len(order)), key=order.__getitem__)
    items = [items[at] for at in order]
    shipping = delivery.price_for(basket_of(items)) if delivery else 0
    offers = find_offers(
        items,
        promotions,
        codes=codes,
        groups=groups,
        missed=missed,
        delivery_code=delivery.code if delivery else None,
        delivery_minor=shipping,
    )

    def rates(tax_class: str) -> tuple[int, int | None]:
        return _rate(tax_rates, tax_class), None if contained_rates is None else _rate(contained_rates, tax_class)

    goods = _goods_parts(items, offers, rates)
    beside = _delivery_parts(items, goods, delivery, (shipping, offers.delivery_off_minor), rates) if delivery else []
    taxed = tax_parts([*goods, *beside], prices_include_tax=prices_include_tax, rounding=rounding)
    lines = [QuoteLine(item, *_amounts(part, own)) for item, part, own in zip(items, goods, taxed[: len(goods)], strict=True)]
    subtotal, discount = sum(part.base_minor for part in goods), offers.saving_minor
    total = sum(amounts.gross_minor for amounts in taxed)
    return Quote(
        currency,
        prices_include_tax,
        tuple(lines[at] for at in back),
        tuple(_adjustment(delivery, part, own) for part, own in zip(beside, taxed[len(goods) :], strict=True)),
        delivery,
        subtotal,
        discount,
        shipping,
        sum(amounts.tax_minor for amounts in taxed),
        total,
        tuple(replace(discount, shares=tuple(discount.shares[at] for at in back)) for discount in offers.discounts),
        offers.missed,
        subtotal - discount + shipping - total if prices_include_tax else 0,
        tax_note,
        rounding,
    )


def _goods_parts(items: Sequence[Item], offers: Offers, rates: Callable[[str], tuple[int, int | None]]) -> list[Part]:
    offs = [sum(shares) for shares in zip(*(discount.shares for discount in offers.discounts), strict=True)] or [0] * len(items)
    return [Part(item.base_minor, off, *rates(item.tax_class)) for item, off in zip(items, offs, strict=True)]


def _delivery_parts(
    items: Sequence[Item],
    goods: Sequence[Part],
    delivery: Delivery,
    price_and_off: tuple[int, int],
    rates: Callable[[str], tuple[int, int | None]],
) -> list[Part]:
    """The delivery in one part for each rate that it is taxed at: those of the goods that are sent, or that of its own class."""
    if delivery.tax_class != GOODS:
        return share_delivery(*price_and_off, rates(delivery.tax_class), [])
    sent = [part for item, part in zip(items, goods, strict=True) if item.requires_shipping]
    return share_delivery(*price_and_off, rates(STANDARD), sent)


def _adjustment(delivery: Delivery | None, part: Part, taxed: Taxed) -> QuoteAdjustment:
    assert delivery is not None, "only a delivery has parts beside the goods"
    return QuoteAdjustment("shipping", delivery.code, delivery.name, *_amounts(part, taxed))


def _amounts(part: Part, taxed: Taxed) -> tuple[int, int, int, int, int, int, int | None]:
    return part.base_minor, part.discount_minor, *taxed, part.contained_ppm


def _rate(tax_rates: Mapping[str, int], tax_class: str) -> int:
    rate = tax_rates.get(tax_class)
    return tax_rates.get(STANDARD, 0) if rate is None else rate


def _asked(part: QuoteLine | QuoteAdjustment) -> tuple[int, ...]:
    return part.base_minor, part.discount_minor, part.net_minor, part.tax_minor, part.gross_minor, part.tax_rate_ppm
