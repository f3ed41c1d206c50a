"""How an order begins: a quote becomes rows, with everything frozen that could change later. Called by the checkout, inside its transaction."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Any, cast

from sqlalchemy import Table, bindparam, insert

from shop.customer.services import customer_id_of, remember_customer
from shop.customer.values import AddressValues
from shop.db import connection, insert_into, is_sqlite, transaction
from shop.order.models import MOST_TRACE, AddressKind, Adjustment, Order, OrderAddress, OrderDiscount, OrderLine
from shop.order.numbers import new_number
from shop.outbox.services import record_event
from shop.pricing.discounts import Discount
from shop.pricing.quote import Quote
from shop.pricing.trace import write_trace

TRIES = 20
orders, lines = cast("Table", Order.__table__), cast("Table", OrderLine.__table__)
adjustments, addresses = cast("Table", Adjustment.__table__), cast("Table", OrderAddress.__table__)
COLUMNS = (
    "cart_id",
    "user_id",
    "email",
    "locale",
    "currency",
    "prices_include_tax",
    "subtotal_minor",
    "discount_minor",
    "shipping_minor",
    "untaxed_minor",
    "tax_minor",
    "total_minor",
    "tax_note",
    "vat_number",
    "vat_check_id",
    "tax_rounding",
    "trace",
    "shipping_method",
    "shipping_name",
    "is_pickup",
    "payment_method",
    "note",
    "terms_accepted_at",
    "placed_at",
    "is_demo",
)
INSERT_LINES, INSERT_ADJUSTMENTS, INSERT_ADDRESSES = insert(lines), insert(adjustments), insert(addresses)
INSERT_DISCOUNTS = insert(cast("Table", OrderDiscount.__table__))


@dataclass(frozen=True, slots=True, kw_only=True)
class Agreement:
    """What was agreed beside the prices. ``shipping_address`` is None when it is collected; ``billing_address`` None when it is the same."""

    email: str
    locale: str
    name: str
    payment_method: str
    shipping_address: AddressValues | None
    billing_address: AddressValues | None
    cart_id: int | None = None
    user_id: int | None = None
    note: str = ""
    vat_number: str = ""
    vat_check_id: int | None = None
    is_demo: bool = False


def write_order(quote: Quote, agreed: Agreement, *, at: datetime, number: Callable[[], str] = new_number) -> Order:
    """Write customer, order, lines, adjustments, addresses and the event ``order.placed``; stock is taken by the caller. Seven statements,
    and one for discounts.

    The order comes back as a plain object, not as one that the session watches.
    """
    with transaction() as session:
        link = session.connection()
        remember_customer(user_id=agreed.user_id, email=agreed.email, name=agreed.name, locale=agreed.locale, at=at)
        order = _insert_order(_columns(quote, agreed, at), number)
        link.execute(INSERT_LINES, [line_values(order.id, position, line) for position, line in enumerate(quote.lines)])
        if quote.adjustments:
            link.execute(INSERT_ADJUSTMENTS, [_adjustment(order.id, adjustment) for adjustment in quote.adjustments])
        if quote.discounts:
            link.execute(INSERT_DISCOUNTS, [_discount(order.id, position, discount) for position, discount in enumerate(quote.discounts)])
        given = [(AddressKind.SHIPPING, agreed.shipping_address), (AddressKind.BILLING, agreed.billing_address)]
        kept = [{"order_id": order.id, "kind": kind, **address.dump()} for kind, address in given if address]
        if kept:
            link.execute(INSERT_ADDRESSES, kept)
        record_event("order.placed", f"order:{order.id}", {"order_id": order.id, "number": order.number}, at=at)
    return order


def _columns(quote: Quote, agreed: Agreement, at: datetime) -> dict[str, Any]:
    delivery = quote.delivery
    return {
        "cart_id": agreed.cart_id,
        "user_id": agreed.user_id,
        "email": agreed.email,
        "locale": agreed.locale,
        "currency": quote.currency,
        "prices_include_tax": quote.prices_include_tax,
        "subtotal_minor": quote.subtotal_minor,
        "discount_minor": quote.discount_minor,
        "shipping_minor": quote.shipping_minor,
        "untaxed_minor": quote.untaxed_minor,
        "tax_minor": quote.tax_minor,
        "total_minor": quote.total_minor,
        "tax_note": quote.tax_note,
        "vat_number": agreed.vat_number,
        "vat_check_id": agreed.vat_check_id,
        "tax_rounding": quote.rounding,
        "trace": write_trace(quote, most=MOST_TRACE),
        "shipping_method": delivery.code if delivery else "",
        "shipping_name": delivery.name if delivery else "",
        "is_pickup": delivery.is_pickup if delivery else False,
        "payment_method": agreed.payment_method,
        "note": agreed.note,
        "terms_accepted_at": at,
        "placed_at": at,
        "is_demo": agreed.is_demo,
    }


def _insert_order(columns: dict[str, Any], number: Callable[[], str]) -> Order:
    """Insert under a number that nobody has; a number that is taken is drawn anew."""
    is_member = columns["user_id"] is not None
    whose = {"customer_user_id": columns["user_id"]} if is_member else {"customer_email": columns["email"]}
    statement = _statement(is_member=is_member, is_sqlite=is_sqlite())
    for _try in range(TRIES):
        drawn = number()
        written = connection().execute(statement, {**columns, **whose, "number": drawn}).first()
        if written is not None:
            return Order(**columns, number=drawn, **written._asdict())
    raise RuntimeError("no free order number was found")


@lru_cache(maxsize=4)
def _statement(*, is_member: bool, is_sqlite: bool) -> Any:  # noqa: ARG001 - one for each kind of database
    """Built once."""
    given = {name: bindparam(name, type_=orders.c[name].type) for name in (*COLUMNS, "number")}
    return (
        insert_into(orders)
        .values(**given, customer_id=customer_id_of(is_member=is_member))
        .on_conflict_do_nothing(index_elements=["number"])
        .returning(orders.c.id, orders.c.customer_id, orders.c.state, orders.c.payment_state, orders.c.fulfillment_state)
    )


def line_values(order_id: int, position: int, line: Any) -> dict[str, Any]:
    """The columns of a line of a quote, frozen."""
    item = line.item
    return {
        "order_id": order_id,
        "position": position,
        "variant_id": item.variant_id,
        "product_slug": item.slug,
        "name": item.name,
        "options": item.options,
        "sku": item.sku,
        "image_id": item.image_id,
        "quantity": item.quantity,
        "unit_price_minor": item.unit_price_minor,
        "discount_minor": line.discount_minor,
        "net_minor": line.net_minor,
        "tax_minor": line.tax_minor,
        "gross_minor": line.gross_minor,
        "tax_rate_ppm": line.tax_rate_ppm,
        "tax_class": item.tax_class,
        "weight_g": item.weight_g,
        "requires_shipping": item.requires_shipping,
    }


def _adjustment(order_id: int, adjustment: Any) -> dict[str, Any]:
    return {
        "order_id": order_id,
        "kind": adjustment.kind,
        "source": adjustment.source,
        "label": adjustment.label,
        "discount_minor": adjustment.discount_minor,
        "net_minor": adjustment.net_minor,
        "tax_minor": adjustment.tax_minor,
        "gross_minor": adjustment.gross_minor,
        "tax_rate_ppm": adjustment.tax_rate_ppm,
    }


def _discount(order_id: int, position: int, discount: Discount) -> dict[str, Any]:
    return {
        "order_id": order_id,
        "position": position,
        "promotion_id": discount.promotion_id,
        "code": discount.code or "",
        "kind": discount.kind,
        "label": discount.label,
        "amount_minor": discount.amount_minor,
        "delivery_minor": discount.delivery_minor,
    }
