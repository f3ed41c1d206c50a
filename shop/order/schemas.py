"""Orders as JSON."""

from __future__ import annotations

from typing import Any

from flask import current_app
from marshmallow import fields

from shop.cart.schemas import TotalsSchema
from shop.customer.values import AddressValues
from shop.order.links import order_url
from shop.order.queries import OrderView
from shop.web.fields import FlagText, MoneyAmount, ShopSchema, Text, WholeNumber
from shop.web.locale import absolute_url


class OrderLineSchema(ShopSchema):
    """A line as it was bought; ``id`` names it when pieces of it are shipped."""

    id = WholeNumber()
    variant_id = WholeNumber(allow_none=True)
    sku = Text()
    name = Text()
    options = Text()
    quantity = WholeNumber()
    shipped = WholeNumber()
    unit_price = MoneyAmount()
    total = MoneyAmount(metadata={"description": "before discounts"})
    discount = MoneyAmount(metadata={"description": "what promotions took off this line, its share of each"})


class OrderDiscountSchema(ShopSchema):
    """What a promotion took off; ``code`` is empty where it worked by itself."""

    label = Text()
    code = Text()
    amount = MoneyAmount()


class PaymentStateSchema(ShopSchema):
    """How the payment stands; ``next`` is where to send the customer so that they pay, or null."""

    state = Text()
    next = Text(allow_none=True)


class OrderSchema(ShopSchema):
    """An order. ``url`` is its page, which opens without a log-in; ``version`` moves with every change."""

    number = Text()
    url = Text()
    state = Text()
    fulfillment = Text()
    placed_at = Text()
    email = Text()
    shipping_method = Text()
    payment_method = Text()
    shipping_address = fields.Dict(allow_none=True)
    billing_address = fields.Dict(allow_none=True)
    vat_number = Text()
    tax_note = Text()
    lines = fields.List(fields.Nested(OrderLineSchema))
    discounts = fields.List(fields.Nested(OrderDiscountSchema))
    totals = fields.Nested(TotalsSchema)
    trace = fields.Dict(allow_none=True, metadata={"description": "only with `trace=1`: base, discounts, tax and rounding of every line"})
    payment = fields.Nested(PaymentStateSchema)
    parcels = fields.List(fields.Dict())
    version = WholeNumber()


class OrderQuerySchema(ShopSchema):
    """``key`` is the one of the order's link, for whoever is not logged in; ``trace=1`` asks why it costs this, line by line."""

    key = Text(maximum=100)
    trace = FlagText(load_default=False)


class CancelSchema(ShopSchema):
    """``note`` says why, if somebody wants to."""

    note = Text(maximum=500, load_default="")


def dump_order(order: OrderView, *, pay_url: str | None) -> dict[str, Any]:
    """``pay_url`` is a path or address where the customer pays, None when there is nothing to do."""
    return {
        "number": order.number,
        "url": order_url(order.number, order.locale),
        "state": order.state.value,
        "fulfillment": order.fulfillment_state.value,
        "placed_at": order.placed_at.isoformat(),
        "email": order.email,
        "shipping_method": order.shipping_method,
        "payment_method": order.payment_method,
        "shipping_address": _address(order.shipping_address),
        "billing_address": _address(order.billing_address),
        "vat_number": order.vat_number,
        "tax_note": order.tax_note,
        "lines": [
            {
                "id": line.id,
                "variant_id": line.variant_id,
                "sku": line.sku,
                "name": line.name,
                "options": line.options,
                "quantity": line.quantity,
                "shipped": line.shipped_quantity,
                "unit_price": line.unit_price.dump(),
                "total": line.total.dump(),
                "discount": line.discount.dump(),
            }
            for line in order.lines
        ],
        "discounts": [{"label": one.label, "code": one.code, "amount": one.amount.dump()} for one in order.discounts],
        "totals": {name: getattr(order, name).dump() for name in ("subtotal", "discount", "shipping", "untaxed", "tax", "total")},
        "payment": {"state": order.payment_state.value, "next": absolute_url(pay_url) if pay_url else None},
        "parcels": [
            {"carrier": parcel.carrier, "tracking_number": parcel.tracking_number, "tracking_url": parcel.tracking_url or None}
            for parcel in order.parcels
        ],
        "version": order.version,
    }


def pay_url(order: OrderView) -> str | None:
    """Where an order that is still to be paid can be paid: ``shop.payment`` says so, which stands above."""
    ask = current_app.extensions.get("order_pay_url")
    return ask(order) if ask is not None else None


def _address(address: AddressValues | None) -> dict[str, str] | None:
    return address.dump() if address else None
