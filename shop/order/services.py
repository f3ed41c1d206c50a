"""The verbs on an order after it was placed. Each claims the order's row, asks the tables of ``states``, writes the timeline, records its event.

How an order begins stands in ``placing``; what the customer pays stands in ``shop.payment``, which tells it here by ``record_payment_state``.
``by`` is who did it: an e-mail, ``customer`` or ``shop``.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, cast

from flask_babel import gettext as _
from sqlalchemy import Row, Table, bindparam, insert, select, update

from shop.catalog.listing import refresh_availability
from shop.catalog.models import Variant
from shop.db import transaction
from shop.errors import IllegalMove, Invalid, NotFound
from shop.inventory.models import Reason
from shop.inventory.services import give_back_stock
from shop.order.models import FulfillmentState, Order, OrderEntry, OrderLine, OrderState, PaymentState, Shipment, ShipmentLine
from shop.order.states import AGREEMENT, GOODS, MONEY, STILL_HERE, check_move, word
from shop.outbox.services import record_event

orders = cast("Table", Order.__table__)
lines = cast("Table", OrderLine.__table__)

CLAIM = (
    update(orders)
    .where(orders.c.id == bindparam("order_id"))
    .values(version=orders.c.version + 1)
    .returning(
        orders.c.id,
        orders.c.number,
        orders.c.state,
        orders.c.payment_state,
        orders.c.fulfillment_state,
        orders.c.is_pickup,
        orders.c.payment_method,
        orders.c.currency,
        orders.c.total_minor,
    )
)
LINES = (
    select(lines.c.id, lines.c.variant_id, lines.c.quantity, lines.c.shipped_quantity)
    .where(lines.c.order_id == bindparam("order_id"))
    .order_by(lines.c.position)
)
SHIP_LINE = update(lines).where(lines.c.id == bindparam("line_id")).values(shipped_quantity=lines.c.shipped_quantity + bindparam("pieces"))


def claim_order(order_id: int) -> Row[Any]:
    """Hold the order's row until the transaction ends, and read it: the first statement of every verb.

    Raises:
        NotFound: there is no such order.
    """
    with transaction() as session:
        claimed = session.execute(CLAIM, {"order_id": order_id}).first()
    if claimed is None:
        raise NotFound(_("There is no such order."))
    return claimed


def cancel_order(order_id: int, *, by: str, note: str = "", at: datetime) -> None:
    """End the agreement while nothing has left the house; the stock goes back. What was paid is refunded by whoever hears ``order.canceled``.

    Raises:
        IllegalMove: it was canceled or completed before, or something has left already.
    """
    with transaction() as session:
        order = claim_order(order_id)
        check_move(AGREEMENT, order.state, OrderState.CANCELED)
        if order.fulfillment_state not in STILL_HERE:
            raise IllegalMove(
                _("The order is %(state)s. It can be canceled only until something leaves.", state=word(order.fulfillment_state)),
                state=order.fulfillment_state.value,
                legal=[move.value for move in GOODS[order.fulfillment_state]],
            )
        _change(order_id, state=OrderState.CANCELED, canceled_at=at)
        back = [(line.variant_id, line.quantity) for line in session.execute(LINES, {"order_id": order_id}) if line.variant_id is not None]
        if back:
            give_back_stock(back, reason=Reason.CANCELLATION, reference=order.number, actor=by, at=at)
            products = session.execute(select(Variant.product_id).where(Variant.id.in_([variant_id for variant_id, _pieces in back])))
            refresh_availability(set(products.scalars()), at=at)
        _tell(order, "canceled", by=by, note=note, at=at, was_paid=order.payment_state is PaymentState.PAID)


def mark_packed(order_id: int, *, by: str, at: datetime) -> None:
    """The goods are wrapped; for an order that is collected: they wait at the counter.

    Raises:
        IllegalMove: the order is not open, or the goods are further already.
    """
    with transaction():
        order = _claim_open(order_id)
        check_move(GOODS, order.fulfillment_state, FulfillmentState.PACKED)
        _change(order_id, fulfillment_state=FulfillmentState.PACKED)
        _tell(order, "packed", by=by, at=at)


def ship_order(
    order_id: int,
    pieces: Sequence[tuple[int, int]] = (),
    carrier: str = "",
    tracking_number: str = "",
    tracking_url: str = "",
    *,
    by: str,
    at: datetime,
) -> int:
    """Hand a parcel with ``pieces`` (order line, quantity) to the carrier, or with all that is left when none are named; gives its id.

    Raises:
        IllegalMove: the order is not open, or everything has left already.
        Invalid: a line is not of this order, named twice, or has fewer pieces left.
    """
    with transaction() as session:
        order = _claim_open(order_id)
        left = {line.id: line.quantity - line.shipped_quantity for line in session.execute(LINES, {"order_id": order_id})}
        parcel = dict(pieces) if pieces else {line_id: rest for line_id, rest in left.items() if rest}
        is_last = sum(parcel.values()) == sum(left.values())
        to = FulfillmentState.SHIPPED if is_last else FulfillmentState.PARTLY_SHIPPED
        check_move(GOODS, order.fulfillment_state, to)
        if len(parcel) < len(pieces) or any(not 1 <= count <= left.get(line_id, 0) for line_id, count in parcel.items()):
            raise Invalid({"/lines": [_("So many pieces of that line are not left to ship.")]})
        shipment = Shipment(
            order_id=order_id, carrier=carrier, tracking_number=tracking_number, tracking_url=tracking_url, shipped_at=at, delivered_at=None
        )
        session.add(shipment)
        session.flush()
        session.execute(
            insert(ShipmentLine),
            [{"shipment_id": shipment.id, "order_line_id": line_id, "quantity": count} for line_id, count in parcel.items()],
        )
        session.connection().execute(SHIP_LINE, [{"line_id": line_id, "pieces": count} for line_id, count in parcel.items()])
        _change(order_id, fulfillment_state=to)
        note = " ".join(part for part in (carrier, tracking_number) if part)
        _tell(order, "shipped", by=by, note=note, at=at, shipment_id=shipment.id, is_last=is_last)
        return shipment.id


def mark_delivered(order_id: int, *, by: str, at: datetime) -> None:
    """Everything has arrived, or was collected at the counter. A paid order is completed by that.

    Raises:
        IllegalMove: not everything has left yet.
    """
    with transaction() as session:
        order = _claim_open(order_id)
        if order.fulfillment_state is FulfillmentState.PACKED and not order.is_pickup:
            raise IllegalMove(
                _("The order is packed. It can be delivered once it is shipped."),
                state=order.fulfillment_state.value,
                legal=[FulfillmentState.PARTLY_SHIPPED.value, FulfillmentState.SHIPPED.value],
            )
        check_move(GOODS, order.fulfillment_state, FulfillmentState.DELIVERED)
        _change(order_id, fulfillment_state=FulfillmentState.DELIVERED)
        session.execute(
            update(Shipment).where(Shipment.order_id == order_id, Shipment.delivered_at.is_(None)).values(delivered_at=at),
            execution_options={"synchronize_session": False},
        )
        if order.payment_state is PaymentState.PAID:
            _change(order_id, state=OrderState.COMPLETED)
        _tell(order, "delivered", by=by, at=at)


def record_payment_state(order_id: int, to: PaymentState, *, by: str, note: str = "", at: datetime) -> bool:
    """What ``shop.payment`` learned: the money is being checked, came, did not come, went back. Gives False when that is known already.

    An order that has arrived is completed by its payment. A canceled order can be paid all the same: the money is on its way back then.

    Raises:
        IllegalMove: such as unpaid after it was paid.
    """
    with transaction():
        order = claim_order(order_id)
        if order.payment_state is to and to is not PaymentState.PARTLY_REFUNDED:
            return False
        check_move(MONEY, order.payment_state, to)
        _change(order_id, payment_state=to)
        if to is PaymentState.PAID and order.state is OrderState.OPEN and order.fulfillment_state is FulfillmentState.DELIVERED:
            _change(order_id, state=OrderState.COMPLETED)
        if to in {PaymentState.PAID, PaymentState.REFUNDED, PaymentState.PARTLY_REFUNDED}:
            _tell(order, to.value, by=by, note=note, at=at)
        else:
            record_entry(order_id, to.value, by=by, note=note, at=at)
        return True


def change_payment_method(order_id: int, payment_method: str) -> None:
    """The customer chose another way to pay; the order's row is claimed by the caller."""
    _change(order_id, payment_method=payment_method)


def record_entry(order_id: int, kind: str, *, by: str, note: str = "", at: datetime) -> None:
    """Add a line to the timeline, such as a note of staff. Entries are never edited."""
    with transaction() as session:
        session.execute(insert(OrderEntry).values(order_id=order_id, kind=kind, actor=by, note=note, at=at))


def _claim_open(order_id: int) -> Row[Any]:
    order = claim_order(order_id)
    if order.state is not OrderState.OPEN:
        raise IllegalMove(_("The order is %(state)s. Nothing changes that.", state=word(order.state)), state=order.state.value, legal=[])
    return order


def _change(order_id: int, **values: Any) -> None:
    with transaction() as session:
        session.execute(update(orders).where(orders.c.id == order_id).values(**values))


def _tell(order: Row[Any], verb: str, *, by: str, note: str = "", at: datetime, **facts: Any) -> None:
    """The timeline for people, the event for whoever must hear of it: one after the other, in the same transaction."""
    record_entry(order.id, verb, by=by, note=note, at=at)
    record_event(
        f"order.{verb}", f"order:{order.id}", {"order_id": order.id, "number": order.number, "by": by, "note": note, **facts}, at=at
    )
