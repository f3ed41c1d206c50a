"""The verbs on an order after it was placed. Each claims the order's row, asks the tables of ``states``, writes the timeline, records its event.

How an order begins stands in ``placing``; what the customer pays stands in ``shop.payment``, which tells it here by ``record_payment_state``.
``by`` is who did it: an e-mail, ``customer`` or ``shop``.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, cast

from flask_babel import gettext as _
from sqlalchemy import Row, Table, bindparam, case, func, insert, literal, select, update

from shop.catalog.listing import refresh_availability
from shop.catalog.models import Variant
from shop.db import connection, transaction
from shop.errors import IllegalMove, Invalid, NotFound
from shop.inventory.models import Reason
from shop.inventory.services import give_back_stock
from shop.ledger.models import Cause
from shop.order.books import post_agreement
from shop.order.carriers import tracking_address
from shop.order.documents.services import issue_invoice
from shop.order.models import FulfillmentState, Order, OrderEntry, OrderLine, OrderState, PaymentState, Shipment, ShipmentLine
from shop.order.policy import InvoiceWhen, invoice_when
from shop.order.states import AGREEMENT, GOODS, MONEY, STILL_HERE, check_move, word
from shop.outbox.services import record_event
from shop.promotion.uses import release_uses

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
        orders.c.expired_at,
    )
)
LINES = (
    select(lines.c.id, lines.c.variant_id, (lines.c.quantity - lines.c.canceled_quantity).label("quantity"), lines.c.shipped_quantity)
    .where(lines.c.order_id == bindparam("order_id"))
    .order_by(lines.c.position)
)
SHIP_LINE = update(lines).where(lines.c.id == bindparam("line_id")).values(shipped_quantity=lines.c.shipped_quantity + bindparam("pieces"))

CAME = {PaymentState.PAID, PaymentState.PARTLY_REFUNDED}
HAS_LEFT = {FulfillmentState.PARTLY_SHIPPED, FulfillmentState.SHIPPED, FulfillmentState.DELIVERED}


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
    """End the agreement while nothing has left the house; the stock goes back, and so do the uses of promotions.

    What was paid is refunded by whoever hears ``order.canceled``.

    Raises:
        IllegalMove: it was canceled or completed before, or something has left already.
    """
    with transaction():
        order = claim_order(order_id)
        check_move(AGREEMENT, order.state, OrderState.CANCELED)
        if order.fulfillment_state not in STILL_HERE:
            raise IllegalMove(
                _("The order is %(state)s. It can be canceled only until something leaves.", state=word(order.fulfillment_state)),
                state=order.fulfillment_state.value,
                legal=[move.value for move in GOODS[order.fulfillment_state]],
            )
        end_agreement(order, by=by, at=at)
        tell(order, "canceled", by=by, note=note, at=at, was_paid=order.payment_state is PaymentState.PAID)


def end_agreement(order: Row[Any], *, by: str, at: datetime) -> None:
    """What every end of an order has in common, whatever it is called: its state, its books, its stock, its promotions. The row is claimed by the caller."""
    change_order(order.id, state=OrderState.CANCELED, canceled_at=at)
    post_agreement(order.id, Cause.CANCELLATION, by=by, at=at)
    back = unreturned_pieces(order.id)
    if back:
        give_back_stock(back, reason=Reason.CANCELLATION, reference=order.number, actor=by, at=at)
        products = connection().execute(select(Variant.product_id).where(Variant.id.in_([variant_id for variant_id, _pieces in back])))
        refresh_availability(set(products.scalars()), at=at)
    release_uses(order.id, at=at)


def unreturned_pieces(order_id: int) -> list[tuple[int, int]]:
    """What the order holds of the stock, ``(variant_id, pieces)``; goods that are no longer in the catalog hold none."""
    found = connection().execute(LINES, {"order_id": order_id})
    return [(line.variant_id, line.quantity) for line in found if line.variant_id is not None and line.quantity]


def mark_packed(order_id: int, *, by: str, at: datetime) -> None:
    """The goods are wrapped; for an order that is collected: they wait at the counter.

    Raises:
        IllegalMove: the order is not open, or the goods are further already.
    """
    with transaction():
        order = claim_open_order(order_id)
        check_move(GOODS, order.fulfillment_state, FulfillmentState.PACKED)
        change_order(order_id, fulfillment_state=FulfillmentState.PACKED)
        tell(order, "packed", by=by, at=at)


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
        order = claim_open_order(order_id)
        left = {line.id: line.quantity - line.shipped_quantity for line in session.execute(LINES, {"order_id": order_id})}
        parcel = dict(pieces) if pieces else {line_id: rest for line_id, rest in left.items() if rest}
        is_last = sum(parcel.values()) == sum(left.values())
        to = FulfillmentState.SHIPPED if is_last else FulfillmentState.PARTLY_SHIPPED
        check_move(GOODS, order.fulfillment_state, to)
        if len(parcel) < len(pieces) or any(not 1 <= count <= left.get(line_id, 0) for line_id, count in parcel.items()):
            raise Invalid({"/lines": [_("So many pieces of that line are not left to ship.")]})
        tracking_url = tracking_url or tracking_address(carrier, tracking_number)
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
        change_order(order_id, fulfillment_state=to)
        note = " ".join(part for part in (carrier, tracking_number) if part)
        if invoice_when() is InvoiceWhen.SHIPMENT or order.payment_state in CAME:
            issue_invoice(order_id, at=at)  # also what was paid before the setting changed; an order has one at most
        tell(order, "shipped", by=by, note=note, at=at, shipment_id=shipment.id, is_last=is_last)
        return shipment.id


def mark_delivered(order_id: int, *, by: str, at: datetime) -> None:
    """Everything has arrived, or was collected at the counter. A paid order is completed by that.

    Raises:
        IllegalMove: not everything has left yet.
    """
    with transaction() as session:
        order = claim_open_order(order_id)
        if order.fulfillment_state is FulfillmentState.PACKED and not order.is_pickup:
            raise IllegalMove(
                _("The order is packed. It can be delivered once it is shipped."),
                state=order.fulfillment_state.value,
                legal=[FulfillmentState.PARTLY_SHIPPED.value, FulfillmentState.SHIPPED.value],
            )
        check_move(GOODS, order.fulfillment_state, FulfillmentState.DELIVERED)
        change_order(order_id, fulfillment_state=FulfillmentState.DELIVERED)
        session.execute(
            update(Shipment).where(Shipment.order_id == order_id, Shipment.delivered_at.is_(None)).values(delivered_at=at),
            execution_options={"synchronize_session": False},
        )
        if order.payment_state is PaymentState.PAID:
            change_order(order_id, state=OrderState.COMPLETED)
        if invoice_when() is InvoiceWhen.SHIPMENT or order.payment_state in CAME:
            issue_invoice(order_id, at=at)  # what is collected was never shipped
        tell(order, "delivered", by=by, at=at)


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
        change_order(order_id, payment_state=to)
        if to is PaymentState.PAID:
            post_agreement(order_id, Cause.SALE, by=by, at=at)
        if to is PaymentState.PAID and order.state is OrderState.OPEN and order.fulfillment_state is FulfillmentState.DELIVERED:
            change_order(order_id, state=OrderState.COMPLETED)
        if to in {PaymentState.PAID, PaymentState.REFUNDED, PaymentState.PARTLY_REFUNDED}:
            tell(order, to.value, by=by, note=note, at=at)
        else:
            record_entry(order_id, to.value, by=by, note=note, at=at)
        is_due = order.fulfillment_state in HAS_LEFT or invoice_when() is InvoiceWhen.PAYMENT
        if to is PaymentState.PAID and order.state is not OrderState.CANCELED and is_due:
            issue_invoice(order_id, at=at)
        return True


def change_payment_method(order_id: int, payment_method: str) -> None:
    """The customer chose another way to pay; the order's row is claimed by the caller."""
    change_order(order_id, payment_method=payment_method)


def record_entry(order_id: int, kind: str, *, by: str, note: str = "", at: datetime) -> None:
    """Add a line to the timeline, such as a note of staff. Entries are never edited.

    Who asked earlier may come to write later, after somebody else who held the order: history does not run backwards for that.
    """
    newest = select(func.max(OrderEntry.at)).where(OrderEntry.order_id == order_id).scalar_subquery()
    asked_at = literal(at, OrderEntry.at.type)
    with transaction() as session:
        moment = case((newest > asked_at, newest), else_=asked_at)
        session.execute(insert(OrderEntry).values(order_id=order_id, kind=kind, actor=by, note=note, at=moment))


def write_message(order_id: int, words: str, *, by: str, at: datetime) -> None:
    """Words to the customer, on the order's page and by mail. Pressed twice within a minute they go out once."""
    with transaction() as session:
        order = claim_order(order_id)
        same = (OrderEntry.order_id == order_id, OrderEntry.kind == "message", OrderEntry.note == words, OrderEntry.actor == by)
        if session.execute(select(OrderEntry.id).where(*same, OrderEntry.at > at - timedelta(minutes=1))).first():
            return
        tell(order, "message", by=by, note=words, at=at)


def claim_open_order(order_id: int) -> Row[Any]:
    """``claim_order`` for verbs on orders that are open.

    Raises:
        IllegalMove: it is completed or canceled.
    """
    order = claim_order(order_id)
    if order.state is not OrderState.OPEN:
        raise IllegalMove(_("The order is %(state)s. Nothing changes that.", state=word(order.state)), state=order.state.value, legal=[])
    return order


def change_order(order_id: int, **values: Any) -> None:
    """Set columns of an order whose row is claimed by the caller."""
    with transaction() as session:
        session.execute(update(orders).where(orders.c.id == order_id).values(**values))


def tell(order: Row[Any], verb: str, *, by: str, note: str = "", at: datetime, **facts: Any) -> None:
    """The timeline for people, the event for whoever must hear of it: one after the other, in the same transaction."""
    record_entry(order.id, verb, by=by, note=note, at=at)
    record_event(
        f"order.{verb}", f"order:{order.id}", {"order_id": order.id, "number": order.number, "by": by, "note": note, **facts}, at=at
    )
