"""Reading an order with everything around it. Lists stand in ``lists``, what staff works through in ``worklist``."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, cast

from flask_babel import gettext as _
from sqlalchemy import Row, Table, bindparam, select
from sqlalchemy.orm import aliased

from shop.customer.values import AddressValues
from shop.db import row, rows, scalar
from shop.errors import NotFound
from shop.ledger.queries import paid_sum
from shop.media.models import Image
from shop.money import Money
from shop.order.links import can_see
from shop.order.models import (
    ORDER_COLUMNS,
    AddressKind,
    FulfillmentState,
    Order,
    OrderAddress,
    OrderDiscount,
    OrderEntry,
    OrderLine,
    OrderState,
    PaymentState,
    Shipment,
    ShipmentLine,
)
from shop.order.numbers import read_number
from shop.order.shares import share_of
from shop.order.standing import STANDING, owed_of
from shop.order.states import EDITABLE, STILL_HERE, can_be_canceled

ADDRESS_COLUMNS = tuple(AddressValues.__dataclass_fields__)

_orders = cast("Table", Order.__table__)
_shipping, _billing = aliased(OrderAddress), aliased(OrderAddress)
_with_addresses = (
    select(
        *ORDER_COLUMNS,
        paid_sum(_orders.c.id).label("paid_minor"),
        *STANDING,
        *(getattr(_shipping, name).label(f"shipping_address_{name}") for name in ADDRESS_COLUMNS),
        *(getattr(_billing, name).label(f"billing_address_{name}") for name in ADDRESS_COLUMNS),
    )
    .outerjoin(_shipping, (_shipping.order_id == _orders.c.id) & (_shipping.kind == AddressKind.SHIPPING))
    .outerjoin(_billing, (_billing.order_id == _orders.c.id) & (_billing.kind == AddressKind.BILLING))
)
BY_NUMBER = _with_addresses.where(_orders.c.number == bindparam("number"))
BY_ID = _with_addresses.where(_orders.c.id == bindparam("order_id"))
LINES = (
    select(
        OrderLine.id,
        OrderLine.variant_id,
        OrderLine.product_slug,
        OrderLine.name,
        OrderLine.options,
        OrderLine.sku,
        OrderLine.quantity,
        OrderLine.shipped_quantity,
        OrderLine.canceled_quantity,
        OrderLine.returned_quantity,
        OrderLine.requires_shipping,
        OrderLine.unit_price_minor,
        OrderLine.discount_minor,
        OrderLine.net_minor,
        OrderLine.tax_minor,
        OrderLine.gross_minor,
        OrderLine.tax_rate_ppm,
        OrderLine.weight_g,
        OrderLine.image_id,
        Image.hash,
        Image.width,
        Image.height,
        Image.widths,
    )
    .outerjoin(Image, Image.id == OrderLine.image_id)
    .where(OrderLine.order_id == bindparam("order_id"))
    .order_by(OrderLine.position)
)
DISCOUNTS = (
    select(OrderDiscount.label, OrderDiscount.code, OrderDiscount.promotion_id, OrderDiscount.amount_minor, OrderDiscount.delivery_minor)
    .where(OrderDiscount.order_id == bindparam("order_id"))
    .order_by(OrderDiscount.position)
)
TRACE = select(_orders.c.trace).where(_orders.c.id == bindparam("order_id"))
ENTRIES = (
    select(OrderEntry.id, OrderEntry.kind, OrderEntry.actor, OrderEntry.note, OrderEntry.at)
    .where(OrderEntry.order_id == bindparam("order_id"))
    .order_by(OrderEntry.at, OrderEntry.id)
)
PARCELS = (
    select(
        Shipment.id,
        Shipment.carrier,
        Shipment.tracking_number,
        Shipment.tracking_url,
        Shipment.shipped_at,
        Shipment.delivered_at,
        ShipmentLine.order_line_id,
        ShipmentLine.quantity,
    )
    .join(ShipmentLine, ShipmentLine.shipment_id == Shipment.id)
    .where(Shipment.order_id == bindparam("order_id"))
    .order_by(Shipment.shipped_at, Shipment.id, ShipmentLine.order_line_id)
)


@dataclass(frozen=True, slots=True)
class LineImage:
    """What the macro ``picture`` needs."""

    hash: str
    width: int
    height: int
    widths: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class LineView:
    """A line as the order holds it now, without what an edit took off. ``unit_price`` and ``total`` are as shown, before ``discount``;
    ``net`` and ``tax`` are after it."""

    id: int
    variant_id: int | None
    slug: str
    name: str
    options: str
    sku: str
    quantity: int
    shipped_quantity: int
    canceled_quantity: int
    returned_quantity: int
    requires_shipping: bool
    unit_price: Money
    total: Money
    discount: Money
    net: Money
    tax: Money
    tax_rate_ppm: int
    image: LineImage | None

    @property
    def left(self) -> int:
        """Pieces that are still to be sent."""
        return self.quantity - self.shipped_quantity


@dataclass(frozen=True, slots=True)
class DiscountView:
    """What a promotion took off, under the name that it had."""

    promotion_id: int
    label: str
    code: str
    amount: Money
    is_of_delivery: bool


@dataclass(frozen=True, slots=True)
class ParcelView:
    """A parcel that left; ``pieces`` are (order line, quantity)."""

    id: int
    carrier: str
    tracking_number: str
    tracking_url: str
    shipped_at: datetime
    delivered_at: datetime | None
    pieces: tuple[tuple[LineView, int], ...]


@dataclass(frozen=True, slots=True)
class OrderView:
    """An order with everything that its page says. ``entries`` is the timeline as it was written, without the placing itself (``placed_at``).

    ``paid``, ``refunded`` and ``owed`` are sums over the ledger; what is ``owed`` below zero goes back to the customer.
    """

    id: int
    number: str
    user_id: int | None
    customer_id: int | None
    email: str
    locale: str
    state: OrderState
    payment_state: PaymentState
    fulfillment_state: FulfillmentState
    prices_include_tax: bool
    subtotal: Money
    discount: Money
    shipping: Money
    untaxed: Money
    tax: Money
    total: Money
    paid: Money
    refunded: Money
    owed: Money
    tax_note: str
    vat_number: str
    vat_check_id: int | None
    shipping_method: str
    shipping_name: str
    is_pickup: bool
    payment_method: str
    note: str
    placed_at: datetime
    canceled_at: datetime | None
    expired_at: datetime | None
    revision: int
    version: int
    shipping_address: AddressValues | None
    billing_address: AddressValues | None
    lines: tuple[LineView, ...]
    discounts: tuple[DiscountView, ...]
    entries: Sequence[Row[Any]]
    parcels: tuple[ParcelView, ...]

    @property
    def name(self) -> str:
        """Whom the order is for."""
        address = self.shipping_address or self.billing_address
        return address.name if address else ""

    @property
    def is_canceled(self) -> bool:
        return self.state is OrderState.CANCELED

    @property
    def is_paid(self) -> bool:
        return self.payment_state is PaymentState.PAID

    @property
    def has_left(self) -> bool:
        """Something is or was on its way, or with the customer."""
        return self.fulfillment_state not in STILL_HERE

    @property
    def can_be_edited(self) -> bool:
        """Something is still here; ``shop.order.changes.services`` says what is in the way."""
        return self.state is OrderState.OPEN and any(line.left for line in self.lines) and self.fulfillment_state in EDITABLE

    @property
    def was_paid(self) -> bool:
        """Money came in, whatever became of it."""
        return self.payment_state not in {PaymentState.UNPAID, PaymentState.CHECKING}

    @property
    def is_being_checked(self) -> bool:
        return self.payment_state is PaymentState.CHECKING

    @property
    def can_be_paid(self) -> bool:
        return self.state is OrderState.OPEN and self.payment_state is PaymentState.UNPAID

    @property
    def can_be_canceled(self) -> bool:
        return can_be_canceled(self.state, self.fulfillment_state)

    def happened_at(self, kind: str) -> datetime | None:
        """When that last happened."""
        return next((entry.at for entry in reversed(self.entries) if entry.kind == kind), None)


def find_order(number: str) -> OrderView | None:
    """The order of that number, written as people write it."""
    known = read_number(number)
    return _view(row(BY_NUMBER, number=known)) if known else None


def get_order(number: str) -> OrderView:
    """The order of that number.

    Raises:
        NotFound: there is none.
    """
    found = find_order(number)
    if found is None:
        raise NotFound(_("There is no such order."))
    return found


def get_own_order(number: str, key: str, user: Any, permission: str = "orders.view") -> OrderView:
    """The order of that number for whoever may see it, or do ``permission`` to it: the holder of its link, the member who placed it, staff.

    Raises:
        NotFound: there is none, or it is somebody else's; both look alike.
    """
    order = get_order(number)
    if not can_see(order, key, user, permission):
        raise NotFound(_("There is no such order."))
    return order


def get_order_by_id(order_id: int) -> OrderView:
    """For consumers of events, which know the id.

    Raises:
        NotFound: there is none.
    """
    found = _view(row(BY_ID, order_id=order_id))
    if found is None:
        raise NotFound(_("There is no such order."))
    return found


def get_trace(order_id: int) -> dict[str, Any] | None:
    """Why the order costs what it costs, as it was written down when it was placed (``shop.pricing.trace``); None for orders that have none."""
    text = scalar(TRACE, order_id=order_id)
    trace: dict[str, Any] | None = json.loads(text) if text else None
    return trace


def _view(found: Row[Any] | None) -> OrderView | None:
    if found is None:
        return None
    kept = found._asdict()
    lines = {line.id: _line(line, found) for line in rows(LINES, order_id=found.id) if line.quantity > line.canceled_quantity}
    same: dict[str, Any] = {name: kept[name] for name in OrderView.__dataclass_fields__ if name in kept}
    amounts: dict[str, Any] = {
        name: Money(kept[f"{name}_minor"], found.currency)
        for name in ("subtotal", "discount", "shipping", "untaxed", "tax", "total", "paid", "refunded")
    }
    return OrderView(
        **same,
        **amounts,
        owed=owed_of(found),
        shipping_address=_address(kept, "shipping_address_"),
        billing_address=_address(kept, "billing_address_"),
        lines=tuple(lines.values()),
        discounts=_discounts(found) if found.discount_minor else (),
        entries=rows(ENTRIES, order_id=found.id),
        parcels=_parcels(found.id, lines) if any(line.shipped_quantity for line in lines.values()) else (),
    )


def _address(kept: Any, prefix: str) -> AddressValues | None:
    if kept[f"{prefix}name"] is None:
        return None
    return AddressValues(**{name: kept[f"{prefix}{name}"] for name in ADDRESS_COLUMNS})


def _line(line: Row[Any], order: Row[Any]) -> LineView:
    image = LineImage(line.hash, line.width, line.height, tuple(int(width) for width in line.widths.split())) if line.hash else None
    pieces = line.quantity - line.canceled_quantity
    share = share_of(line, pieces, prices_include_tax=order.prices_include_tax)
    return LineView(
        id=line.id,
        variant_id=line.variant_id,
        slug=line.product_slug,
        name=line.name,
        options=line.options,
        sku=line.sku,
        quantity=pieces,
        shipped_quantity=line.shipped_quantity,
        canceled_quantity=line.canceled_quantity,
        returned_quantity=line.returned_quantity,
        requires_shipping=line.requires_shipping,
        unit_price=Money(line.unit_price_minor, order.currency),
        total=Money(line.unit_price_minor * pieces, order.currency),
        discount=Money(share.off_minor, order.currency),
        net=Money(share.net_minor, order.currency),
        tax=Money(share.tax_minor, order.currency),
        tax_rate_ppm=line.tax_rate_ppm,
        image=image,
    )


def _discounts(order: Row[Any]) -> tuple[DiscountView, ...]:
    """One by one, as promised; of an order that was edited what is left of them."""
    if order.revision:
        return (DiscountView(0, _("Discounts"), "", Money(order.discount_minor, order.currency), is_of_delivery=False),)
    return tuple(
        DiscountView(one.promotion_id, one.label, one.code, Money(one.amount_minor, order.currency), bool(one.delivery_minor))
        for one in rows(DISCOUNTS, order_id=order.id)
    )


def _parcels(order_id: int, lines: dict[int, LineView]) -> tuple[ParcelView, ...]:
    parcels: dict[int, tuple[Row[Any], list[tuple[LineView, int]]]] = {}
    for found in rows(PARCELS, order_id=order_id):
        parcels.setdefault(found.id, (found, []))[1].append((lines[found.order_line_id], found.quantity))
    return tuple(
        ParcelView(first.id, first.carrier, first.tracking_number, first.tracking_url, first.shipped_at, first.delivered_at, tuple(pieces))
        for first, pieces in parcels.values()
    )
