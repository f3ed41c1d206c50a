"""What became of each order: paid, packed, shipped, collected, canceled, refunded, as staff and customers would have done it."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from random import Random
from typing import Any

from sqlalchemy.orm import Session

from shop.demo.bank import TOOK_TOO_LITTLE
from shop.demo.people import STAFF
from shop.demo.place import Place
from shop.demo.stories import AT_COUNTER, STOCK_COMES_BACK, Kind, Story
from shop.inventory.models import Reason
from shop.ledger.models import Cause
from shop.money import format_minor
from shop.order.books import post_agreement
from shop.order.models import FulfillmentState, Order, OrderEntry, OrderLine, OrderState, PaymentState, Shipment, ShipmentLine
from shop.payment.ledger import post_capture, post_refund
from shop.payment.models import Payment, Refund, State

NOT_PAID = {Kind.UNPAID, Kind.CHECKING, Kind.CANCELED}
GOES_OUT = {Kind.DELIVERED, Kind.PARTLY_REFUNDED, Kind.SHIPPED, Kind.PARTLY_SHIPPED}
ARRIVED = {Kind.DELIVERED, Kind.PARTLY_REFUNDED}
CARD_TAKES = timedelta(seconds=40)
CARRIERS = {"ES": "Correos", "": "DHL"}


@dataclass(frozen=True, slots=True)
class Move:
    """Pieces that left the shelf or came back."""

    variant_id: int
    delta: int
    reason: Reason
    reference: str
    actor: str
    at: datetime


@dataclass(slots=True)
class Told:
    """An order while its story is told: ``clock`` is when the last thing happened."""

    session: Session
    place: Place
    chance: Random
    story: Story
    order: Order
    lines: list[OrderLine]
    clock: datetime
    payment: Payment | None = None
    shipment: Shipment | None = None
    moves: list[Move] = field(default_factory=list)

    def later(self, low_h: int, high_h: int) -> datetime:
        """Some hours have passed, but it is not later than now."""
        left = max(int((self.place.now - self.clock) / timedelta(minutes=2)), 1)
        self.clock += timedelta(minutes=min(self.chance.randint(low_h * 60, high_h * 60), left))
        return self.clock

    def note(self, kind: str, *, by: str, note: str = "") -> None:
        """An entry of the order's timeline."""
        self.session.add(OrderEntry(order_id=self.order.id, kind=kind, actor=by, note=note, at=self.clock))
        self.session.flush()

    def move(self, sign: int, reason: Reason, actor: str) -> None:
        """All pieces leave the shelf, or come back."""
        self.moves += [
            Move(line.variant_id or 0, sign * line.quantity, reason, self.order.number, actor, self.clock) for line in self.lines
        ]


def tell_on(told: Told) -> None:
    """From the placing on to where the order stands now."""
    kind = told.story.kind
    if kind not in NOT_PAID:
        _pay(told)
    elif kind is Kind.CHECKING:
        _check(told)
    else:
        _wait(told)
    if kind in STOCK_COMES_BACK:
        _cancel(told)
    elif kind in AT_COUNTER or kind is Kind.PACKED:
        _pack(told)
        if kind is Kind.COLLECTED:
            _deliver(told, by=STAFF)
    elif kind in GOES_OUT:
        _pack(told)
        _ship(told)
        if kind in ARRIVED:
            _deliver(told, by="shop")
    if kind is Kind.PARTLY_REFUNDED:
        first = told.lines[0]
        _refund(told, first.gross_minor // first.quantity, "damaged")


def _attempt(told: Told, **columns: Any) -> Payment:
    order = told.order
    key = f"demo-{told.chance.getrandbits(96):024x}"
    payment = Payment(
        order_id=order.id,
        gateway=order.payment_method,
        key=key,
        reference=f"{key}-at-the-bank" if order.payment_method == "test_card" else None,
        currency=order.currency,
        amount_minor=order.total_minor,
        created_at=told.clock,
        attempted_at=told.clock,
        **columns,
    )
    told.session.add(payment)
    told.session.flush()
    told.payment = payment
    return payment


def _pay(told: Told) -> None:
    order = told.order
    is_card = order.payment_method == "test_card"
    if told.story.kind is Kind.RETRIED:
        _attempt(told, state=State.FAILED, error="declined", settled_at=told.clock)
        told.note("payment_failed", by="shop", note="declined")
        told.later(0, 1)
    payment = _attempt(told, state=State.CAPTURED, captured_minor=order.total_minor)
    if is_card:
        told.clock += CARD_TAKES
    payment.settled_at = told.clock if is_card else told.later(5, 22)
    order.payment_state = PaymentState.PAID
    by = "customer" if is_card else STAFF
    told.note("paid", by=by)
    post_agreement(order.id, Cause.SALE, by=by, at=told.clock)
    post_capture(order.id, payment.id, order.total_minor, currency=order.currency, gateway=payment.gateway, by=by, at=told.clock)


def _check(told: Told) -> None:
    """The gateway took less than was asked: a person must look."""
    order = told.order
    took = order.total_minor - TOOK_TOO_LITTLE
    error = f"the gateway took {took} {order.currency} instead of {order.total_minor} {order.currency}"
    _attempt(told, state=State.UNKNOWN, error=error, settled_at=told.clock)
    order.payment_state = PaymentState.CHECKING
    told.later(0, 1)
    told.note("payment_mismatch", by="shop", note=error)
    told.note("checking", by="shop")


def _wait(told: Told) -> None:
    payment = _attempt(told, state=State.PENDING)
    if told.story.kind is Kind.CANCELED:
        payment.state, payment.settled_at = State.VOIDED, told.later(24, 96)


def _cancel(told: Told) -> None:
    by, note = told.chance.choice((("customer", ""), (STAFF, "Asked for by telephone")))
    told.order.state = OrderState.CANCELED
    told.order.canceled_at = told.later(1, 20)
    told.note("canceled", by=by, note=note)
    post_agreement(told.order.id, Cause.CANCELLATION, by=by, at=told.clock)
    told.move(1, Reason.CANCELLATION, by)
    if told.story.kind is Kind.REFUNDED:
        _refund(told, told.order.total_minor, "canceled")


def _refund(told: Told, amount_minor: int, reason: str) -> None:
    order, payment = told.order, told.payment
    assert payment is not None
    at = told.later(1, 40)
    key = f"{payment.key}:{reason}"
    reference = key if payment.gateway == "test_card" else None
    refund = Refund(
        payment_id=payment.id,
        key=key,
        reference=reference,
        amount_minor=amount_minor,
        state=State.CAPTURED,
        reason=reason,
        actor=STAFF,
        created_at=at,
    )
    told.session.add(refund)
    payment.refunded_minor = amount_minor
    order.payment_state = PaymentState.REFUNDED if amount_minor == order.total_minor else PaymentState.PARTLY_REFUNDED
    told.note(order.payment_state.value, by=STAFF, note=format_minor(amount_minor, order.currency, told.place.locales[0]))
    post_refund(order.id, refund.id, amount_minor, currency=order.currency, gateway=payment.gateway, by=STAFF, at=at)


def _pack(told: Told) -> None:
    told.later(2, 20)
    told.order.fulfillment_state = FulfillmentState.PACKED
    told.note("packed", by=STAFF)


def _ship(told: Told) -> None:
    order = told.order
    is_part = told.story.kind is Kind.PARTLY_SHIPPED
    carrier = CARRIERS.get(told.story.buyer.country, CARRIERS[""])
    tracking = f"{carrier[:2].upper()}{told.chance.randrange(10**10):010d}"
    at = told.later(1, 20)
    told.shipment = shipment = Shipment(order_id=order.id, carrier=carrier, tracking_number=tracking, shipped_at=at)
    told.session.add(shipment)
    told.session.flush()
    for line in told.lines[: 1 if is_part else None]:
        line.shipped_quantity = line.quantity
        told.session.add(ShipmentLine(shipment_id=shipment.id, order_line_id=line.id, quantity=line.quantity))
    order.fulfillment_state = FulfillmentState.PARTLY_SHIPPED if is_part else FulfillmentState.SHIPPED
    told.note("shipped", by=STAFF, note=f"{carrier} {tracking}")


def _deliver(told: Told, *, by: str) -> None:
    order = told.order
    at = told.later(20, 90)
    if told.shipment is not None:
        told.shipment.delivered_at = at
    order.fulfillment_state = FulfillmentState.DELIVERED
    order.state = OrderState.COMPLETED
    told.note("delivered", by=by)
