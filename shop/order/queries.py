"""Reading orders: one with everything around it, and a member's own. What staff works through stands in ``worklist``."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, cast

from flask_babel import gettext as _
from sqlalchemy import Row, Select, Table, bindparam, func, select, tuple_
from sqlalchemy.orm import aliased

from shop.customer.values import AddressValues
from shop.db import row, rows
from shop.errors import Invalid, NotFound
from shop.media.models import Image
from shop.money import Money
from shop.order.links import can_see
from shop.order.models import (
    AddressKind,
    FulfillmentState,
    Order,
    OrderAddress,
    OrderEntry,
    OrderLine,
    OrderState,
    PaymentState,
    Shipment,
    ShipmentLine,
)
from shop.order.numbers import read_number
from shop.order.states import can_be_canceled
from shop.web.pagination import Page, decode_cursor, encode_cursor

ADDRESS_COLUMNS = tuple(AddressValues.__dataclass_fields__)
PAGE_MOST = 100

_orders = cast("Table", Order.__table__)
_shipping, _billing = aliased(OrderAddress), aliased(OrderAddress)
_with_addresses = (
    select(
        _orders,
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
        OrderLine.unit_price_minor,
        OrderLine.net_minor,
        OrderLine.tax_minor,
        OrderLine.gross_minor,
        OrderLine.tax_rate_bp,
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
    """A line as it was bought; amounts are of the whole line, as the order shows them (gross or net)."""

    id: int
    variant_id: int | None
    slug: str
    name: str
    options: str
    sku: str
    quantity: int
    shipped_quantity: int
    unit_price: Money
    total: Money
    net: Money
    tax: Money
    tax_rate_bp: int
    image: LineImage | None


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
    """An order with everything that its page says. ``entries`` is the timeline as it was written, without the placing itself (``placed_at``)."""

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
    tax: Money
    total: Money
    shipping_method: str
    shipping_name: str
    is_pickup: bool
    payment_method: str
    note: str
    placed_at: datetime
    canceled_at: datetime | None
    version: int
    shipping_address: AddressValues | None
    billing_address: AddressValues | None
    lines: tuple[LineView, ...]
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


def get_own_order(number: str, key: str, user: Any) -> OrderView:
    """The order of that number for whoever may see it: the holder of its link, or the member who placed it.

    Raises:
        NotFound: there is none, or it is somebody else's; both look alike.
    """
    order = get_order(number)
    if not can_see(order, key, user):
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


def _view(found: Row[Any] | None) -> OrderView | None:
    if found is None:
        return None
    kept = found._asdict()
    lines = {line.id: _line(line, found) for line in rows(LINES, order_id=found.id)}
    same: dict[str, Any] = {name: kept[name] for name in OrderView.__dataclass_fields__ if name in kept}
    amounts: dict[str, Any] = {
        name: Money(kept[f"{name}_minor"], found.currency) for name in ("subtotal", "discount", "shipping", "tax", "total")
    }
    return OrderView(
        **same,
        **amounts,
        shipping_address=_address(kept, "shipping_address_"),
        billing_address=_address(kept, "billing_address_"),
        lines=tuple(lines.values()),
        entries=rows(ENTRIES, order_id=found.id),
        parcels=_parcels(found.id, lines) if any(line.shipped_quantity for line in lines.values()) else (),
    )


def _address(kept: Any, prefix: str) -> AddressValues | None:
    if kept[f"{prefix}name"] is None:
        return None
    return AddressValues(**{name: kept[f"{prefix}{name}"] for name in ADDRESS_COLUMNS})


def _line(line: Row[Any], order: Row[Any]) -> LineView:
    image = LineImage(line.hash, line.width, line.height, tuple(int(width) for width in line.widths.split())) if line.hash else None
    return LineView(
        id=line.id,
        variant_id=line.variant_id,
        slug=line.product_slug,
        name=line.name,
        options=line.options,
        sku=line.sku,
        quantity=line.quantity,
        shipped_quantity=line.shipped_quantity,
        unit_price=Money(line.unit_price_minor, order.currency),
        total=Money(line.gross_minor if order.prices_include_tax else line.net_minor, order.currency),
        net=Money(line.net_minor, order.currency),
        tax=Money(line.tax_minor, order.currency),
        tax_rate_bp=line.tax_rate_bp,
        image=image,
    )


def _parcels(order_id: int, lines: dict[int, LineView]) -> tuple[ParcelView, ...]:
    parcels: dict[int, tuple[Row[Any], list[tuple[LineView, int]]]] = {}
    for found in rows(PARCELS, order_id=order_id):
        parcels.setdefault(found.id, (found, []))[1].append((lines[found.order_line_id], found.quantity))
    return tuple(
        ParcelView(first.id, first.carrier, first.tracking_number, first.tracking_url, first.shipped_at, first.delivered_at, tuple(pieces))
        for first, pieces in parcels.values()
    )


# Lists

_name = (
    select(OrderAddress.name)
    .where(OrderAddress.order_id == _orders.c.id)
    .order_by(OrderAddress.kind.desc())
    .limit(1)
    .correlate(_orders)
    .scalar_subquery()
)
_pieces = select(func.sum(OrderLine.quantity)).where(OrderLine.order_id == _orders.c.id).correlate(_orders).scalar_subquery()
LIST = select(
    _orders.c.id,
    _orders.c.number,
    _orders.c.email,
    _orders.c.placed_at,
    _orders.c.state,
    _orders.c.payment_state,
    _orders.c.fulfillment_state,
    _orders.c.payment_method,
    _orders.c.shipping_name,
    _orders.c.is_pickup,
    _orders.c.currency,
    _orders.c.total_minor,
    func.coalesce(_name, "").label("name"),
    func.coalesce(_pieces, 0).label("pieces"),
).order_by(_orders.c.placed_at.desc(), _orders.c.id.desc())


def list_orders(user_id: int, *, limit: int = 20, cursor: str | None = None) -> Page[Row[Any]]:
    """A member's own orders, newest first."""
    return page_of_orders(LIST.where(_orders.c.user_id == user_id), limit, cursor)


def page_of_orders(statement: Select[Any], limit: int, cursor: str | None) -> Page[Row[Any]]:
    """A page of ``LIST`` with conditions, newest first."""
    limit = max(1, min(limit, PAGE_MOST))
    if cursor:
        micros, last_id = decode_cursor(cursor, str, int)
        statement = statement.where(tuple_(_orders.c.placed_at, _orders.c.id) < tuple_(_moment(micros), last_id))
    found = rows(statement.limit(limit + 1))
    has_more = len(found) > limit
    found = found[:limit]
    following = encode_cursor(found[-1].placed_at.isoformat(), found[-1].id) if has_more else None
    return Page(found, following)


def _moment(text: str) -> Any:
    try:
        moment = datetime.fromisoformat(text)
        if moment.tzinfo is None:
            raise ValueError
    except ValueError:
        raise Invalid({"cursor": [_("This is not a place in the list. Start again without a cursor.")]}) from None
    return bindparam(None, moment, type_=_orders.c.placed_at.type)
