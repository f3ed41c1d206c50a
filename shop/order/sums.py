"""The rows of what an order costs, as the cart showed them."""

from __future__ import annotations

from flask_babel import gettext as _

from shop.cart.sums import Row, Sums, name_discount, sum_rows
from shop.order.queries import OrderView


def sums_of_order(order: OrderView, total_name: str | None = None) -> list[Row]:
    """Goods, each discount, delivery, tax, total. ``total_name`` may say that it is paid."""
    delivery = order.shipping_name if order.is_pickup else _("Delivery, %(name)s", name=order.shipping_name)
    return sum_rows(
        Sums(
            subtotal=order.subtotal,
            discounts=[(name_discount(one.label, one.code), one.amount) for one in order.discounts if not one.is_of_delivery],
            delivery_discounts=[(name_discount(one.label, one.code), one.amount) for one in order.discounts if one.is_of_delivery],
            delivery=delivery if order.shipping_method else None,
            shipping=order.shipping,
            untaxed=order.untaxed,
            tax=order.tax,
            total=order.total,
            prices_include_tax=order.prices_include_tax,
            tax_note=order.tax_note,
        ),
        total_name or _("Total"),
    )
