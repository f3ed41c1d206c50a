"""What is to be priced: items, and what a basket of them amounts to for whoever asks for a threshold. Values only."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from shop.pricing.delivery import Basket


@dataclass(frozen=True, slots=True)
class Item:
    """So many pieces of a variant at a unit price, gross or net as the shop's prices are. ``category_ids`` holds the shelves and all above them."""

    variant_id: int
    product_id: int
    name: str
    options: str
    sku: str
    unit_price_minor: int
    compare_at_minor: int | None
    quantity: int
    tax_class: str
    weight_g: int
    requires_shipping: bool
    image_id: int | None
    slug: str
    category_ids: frozenset[int] = frozenset()

    @property
    def base_minor(self) -> int:
        """What all pieces cost before any discount."""
        return self.unit_price_minor * self.quantity

    @property
    def rank(self) -> tuple[object, ...]:
        """By what goods are sorted before anything is shared, so that the order in which they were put in moves no cent."""
        return self.variant_id, self.unit_price_minor, self.quantity, self.tax_class, self.product_id, self.requires_shipping


def basket_of(items: Sequence[Item]) -> Basket:
    """What deliveries look at: the worth of everything before discounts; weight and pieces of what must be sent."""
    sent = [item for item in items if item.requires_shipping]
    return Basket(
        sum(item.base_minor for item in items),
        sum(item.weight_g * item.quantity for item in sent),
        sum(item.quantity for item in sent),
    )
