"""What the customer was shown, kept in the page itself, so that a page of changes can say "before" and "now".

It decides nothing: whether something changed is told by the quote's fingerprint. Somebody who edits it deceives only their own eyes.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from flask_babel import gettext as _

from shop.money import Money
from shop.pricing.quote import Quote

PARTS = re.compile(r"([0-9]{1,15}:[0-9]{1,4}:[0-9]{1,15},?){1,300};[a-z0-9_-]{0,40};[0-9]{1,15};[0-9]{1,15};[0-9]{1,15};[0-9]{1,15}")
LONGEST = 12_000


@dataclass(frozen=True, slots=True)
class Change:
    """One thing that is not as it was shown. ``before`` and ``now`` are Money, pieces or "" where there was or is none."""

    label: str
    before: Money | str
    now: Money | str


@dataclass(frozen=True, slots=True)
class Shown:
    """Pieces and amount by variant, the way of delivery and its price, discounts, tax and total, as they stood on the page."""

    lines: dict[int, tuple[int, int]]
    delivery: str
    shipping_minor: int
    discount_minor: int
    tax_minor: int
    total_minor: int

    @classmethod
    def of(cls, quote: Quote) -> Shown:
        lines = {line.item.variant_id: (line.item.quantity, line.base_minor) for line in quote.lines}
        code = quote.delivery.code if quote.delivery else ""
        return cls(lines, code, quote.shipping_minor, quote.discount_minor, quote.tax_minor, quote.total_minor)

    @classmethod
    def read(cls, text: str) -> Shown | None:
        """What ``write`` wrote; None when it is something else."""
        if len(text) > LONGEST or not PARTS.fullmatch(text):
            return None
        lines, delivery, *amounts = text.split(";")
        read = [tuple(int(part) for part in line.split(":")) for line in lines.strip(",").split(",")]
        return cls({line[0]: (line[1], line[2]) for line in read}, delivery, *(int(amount) for amount in amounts))

    def write(self) -> str:
        lines = ",".join(f"{variant_id}:{quantity}:{amount}" for variant_id, (quantity, amount) in self.lines.items())
        return f"{lines};{self.delivery};{self.shipping_minor};{self.discount_minor};{self.tax_minor};{self.total_minor}"


def list_changes(before: Shown | None, quote: Quote, names: dict[int, str]) -> list[Change]:
    """What is different now, line by line, then discounts, delivery, tax and total. Nothing, when nobody knows what was shown."""
    if before is None:
        return []
    now = Shown.of(quote)

    def money(minor: int) -> Money:
        return Money(minor, quote.currency)

    changes = []
    for variant_id in dict.fromkeys([*before.lines, *now.lines]):
        old, new = before.lines.get(variant_id), now.lines.get(variant_id)
        if old == new:
            continue
        name = names.get(variant_id, _("One of the goods"))
        pieces = f"{name}, {_('pieces')}"
        if old and new and old[0] != new[0]:
            changes.append(Change(pieces, str(old[0]), str(new[0])))
        changes.append(Change(name, money(old[1]) if old else "", money(new[1]) if new else _("no longer available")))
    if before.discount_minor != now.discount_minor:
        changes.append(Change(_("Discounts"), money(-before.discount_minor), money(-now.discount_minor)))
    if (before.delivery, before.shipping_minor) != (now.delivery, now.shipping_minor):
        label = _("Delivery, %(name)s", name=quote.delivery.name) if quote.delivery else _("Delivery")
        changes.append(Change(label, money(before.shipping_minor), money(now.shipping_minor)))
    if before.tax_minor != now.tax_minor:
        changes.append(Change(_("Tax"), money(before.tax_minor), money(now.tax_minor)))
    if before.total_minor != now.total_minor:
        changes.append(Change(_("Total"), money(before.total_minor), money(now.total_minor)))
    return changes


def dump_quote(quote: Quote) -> dict[str, object]:
    """A quote as JSON: what a program needs to show before it orders again with ``shown`` set to the fingerprint."""

    def money(minor: int) -> dict[str, int | str]:
        return Money(minor, quote.currency).dump()

    return {
        "fingerprint": quote.fingerprint,
        "lines": [
            {
                "variant_id": line.item.variant_id,
                "sku": line.item.sku,
                "name": line.item.name,
                "quantity": line.item.quantity,
                "unit_price": money(line.item.unit_price_minor),
                "total": money(line.base_minor),
                "discount": money(line.discount_minor),
            }
            for line in quote.lines
        ],
        "discounts": [{"label": one.label, "code": one.code, "amount": money(one.amount_minor)} for one in quote.discounts],
        "shipping_method": quote.delivery.code if quote.delivery else None,
        "totals": {
            "subtotal": money(quote.subtotal_minor),
            "discount": money(quote.discount_minor),
            "shipping": money(quote.shipping_minor),
            "untaxed": money(quote.untaxed_minor),
            "tax": money(quote.tax_minor),
            "total": money(quote.total_minor),
        },
    }
