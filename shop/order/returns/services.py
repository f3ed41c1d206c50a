"""The verbs on returns. Each claims the order's row, asks the table of ``states``, writes the order's timeline and records its event.

The money of what was received goes back by ``shop.order.credits``, once.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, cast

from flask_babel import gettext as _
from sqlalchemy import Row, Table, bindparam, insert, select, update

from shop.catalog.listing import refresh_availability
from shop.catalog.models import Variant
from shop.db import rows, scalar, transaction
from shop.errors import IllegalMove, Invalid, NotFound
from shop.inventory.models import Reason
from shop.inventory.services import give_back_stock
from shop.order.credits import left_to_give, owe_credit
from shop.order.models import CreditKind, FulfillmentState, Order, OrderLine
from shop.order.queries import get_order_by_id
from shop.order.reckoning import count_paid_back, reckon_lines
from shop.order.returns.models import ReturnLine, ReturnReason, ReturnRequest, ReturnState
from shop.order.returns.queries import LINES, next_place, return_number, returnable
from shop.order.returns.states import check_return_move
from shop.order.services import claim_order, record_entry
from shop.order.states import GOODS, may_move
from shop.outbox.services import record_event

requests = cast("Table", ReturnRequest.__table__)
lines_table, orders = cast("Table", OrderLine.__table__), cast("Table", Order.__table__)
RETURN = select(requests).where(requests.c.id == bindparam("return_id"))
ORDER_OF = select(requests.c.order_id).where(requests.c.id == bindparam("return_id"))
TAKE_BACK = (
    update(lines_table)
    .where(lines_table.c.id == bindparam("line_id"))
    .values(returned_quantity=lines_table.c.returned_quantity + bindparam("pieces"))
)
RECEIVE = (
    update(cast("Table", ReturnLine.__table__))
    .where(ReturnLine.return_id == bindparam("of_return"), ReturnLine.order_line_id == bindparam("line_id"))
    .values(
        received_quantity=bindparam("received"),
        restocked_quantity=bindparam("restocked"),
        settled_quantity=bindparam("settled"),
        settled_minor=bindparam("worth"),
    )
)
STILL_OUT = select(lines_table.c.id).where(
    lines_table.c.order_id == bindparam("order_id"),
    lines_table.c.returned_quantity < lines_table.c.quantity - lines_table.c.canceled_quantity,
)


def ask_return(order_id: int, pieces: Sequence[tuple[int, int]], *, reason: ReturnReason, note: str = "", by: str, at: datetime) -> int:
    """Ask ``pieces`` (order line, quantity) back; gives the place of the return within its order. Staff may do so after the period as well.

    Raises:
        IllegalMove: nothing of it can come back, or the period is over.
        Invalid: so many pieces of a line cannot come back.
    """
    with transaction() as session:
        claim_order(order_id)
        order = get_order_by_id(order_id)
        allowed = returnable(order, at=at)
        if not allowed.pieces:
            raise IllegalMove(_("Nothing of this order can be sent back now."), state=order.fulfillment_state.value, legal=[])
        if allowed.is_over and by == "customer":
            raise IllegalMove(
                _("The time to send something back is over. Please write to us."), state=order.fulfillment_state.value, legal=[]
            )
        wanted = dict(pieces)
        if (
            not wanted
            or len(wanted) < len(pieces)
            or any(not 1 <= count <= allowed.pieces.get(line_id, 0) for line_id, count in wanted.items())
        ):
            raise Invalid({"/lines": [_("So many pieces of that line cannot be sent back.")]})
        place = next_place(order_id)
        values = {"order_id": order_id, "place": place, "reason": reason, "note": note, "asked_by": by, "asked_at": at}
        written = session.execute(
            insert(requests).values(**values, state=ReturnState.ASKED, answer="", refund_minor=0).returning(requests.c.id)
        )
        return_id = written.scalar_one()
        session.execute(
            insert(ReturnLine), [{"return_id": return_id, "order_line_id": line_id, "quantity": count} for line_id, count in wanted.items()]
        )
        _tell(order, return_id, place, "return_asked", by=by, note=note, at=at)
        return place


def decide_return(return_id: int, *, approve: bool, answer: str = "", by: str, at: datetime) -> None:
    """Staff approves a return, or refuses it; ``answer`` is what the customer reads.

    Raises:
        IllegalMove: it was decided before.
    """
    to = ReturnState.APPROVED if approve else ReturnState.REFUSED
    with transaction():
        order, request = _claim(return_id)
        check_return_move(request.state, to)
        _set(return_id, state=to, answer=answer, decided_at=at)
        _tell(order, return_id, request.place, f"return_{to.value}", by=by, note=answer, at=at)


def withdraw_return(return_id: int, *, by: str, at: datetime) -> None:
    """The customer keeps the goods after all.

    Raises:
        IllegalMove: the goods are here already, or it ended.
    """
    with transaction():
        order, request = _claim(return_id)
        check_return_move(request.state, ReturnState.WITHDRAWN)
        _set(return_id, state=ReturnState.WITHDRAWN)
        _tell(order, return_id, request.place, "return_withdrawn", by=by, at=at)


def receive_return(
    return_id: int, received: Mapping[int, tuple[int, int]], *, refund_minor: int, answer: str = "", by: str, at: datetime
) -> None:
    """The goods are here: ``received`` says by order line how many came and how many of these are on the shelf again; ``refund_minor`` goes back.

    Raises:
        IllegalMove: the return is not approved, or was received before.
        Invalid: more came than was asked or is still out, more is restocked than came, or more goes back than was paid.
    """
    with transaction() as session:
        order, request = _claim(return_id)
        check_return_move(request.state, ReturnState.RECEIVED)
        asked = {line.order_line_id: line for line in rows(LINES, order_id=order.id) if line.return_id == return_id}
        _check_received(received, asked, refund_minor, order)
        came = {line_id: pieces for line_id, pieces in received.items() if pieces[0]}
        _take_back(order.id, return_id, came, pays=refund_minor > 0)
        _restock(
            [(asked[line_id].variant_id, restocked) for line_id, (_count, restocked) in came.items() if restocked], order, by=by, at=at
        )
        if may_move(GOODS, order.fulfillment_state, FulfillmentState.RETURNED) and scalar(STILL_OUT, order_id=order.id) is None:
            session.execute(update(orders).where(orders.c.id == order.id).values(fulfillment_state=FulfillmentState.RETURNED))
        values: dict[str, Any] = {"answer": answer} if answer else {}
        ends = {"state": ReturnState.RECEIVED} if refund_minor else {"state": ReturnState.REFUNDED, "refunded_at": at}
        _set(return_id, refund_minor=refund_minor, received_at=at, **ends, **values)
        _tell(order, return_id, request.place, "return_received", by=by, note=answer, at=at)
        if refund_minor:
            number = return_number(order.number, request.place)
            owe_credit(order, CreditKind.RETURN, f"return:{return_id}", refund_minor, note=number, by=by, at=at)


def _check_received(received: Mapping[int, tuple[int, int]], asked: Mapping[int, Any], refund_minor: int, order: Row[Any]) -> None:
    for line_id, (count, restocked) in received.items():
        most = asked[line_id].quantity if line_id in asked else 0
        if not 0 <= restocked <= count <= most:
            raise Invalid({"/lines": [_("Not more can come back than was asked for, nor more go to the shelf than came.")]})
    if not any(count for count, _restocked in received.values()):
        raise Invalid({"/lines": [_("Say which pieces came.")]})
    if not 0 <= refund_minor <= max(0, left_to_give(order.id)):
        raise Invalid({"/refund": [_("Not more can go back than was paid.")]})


def _take_back(order_id: int, return_id: int, came: Mapping[int, tuple[int, int]], *, pays: bool) -> None:
    """Count what came, and what of it this return pays: not what a refund paid back before."""
    accounts, settled = reckon_lines(order_id), {}
    with transaction() as session:
        for line_id, (count, restocked) in sorted(came.items()):
            line = accounts[line_id]
            if count > line.agreed - line.returned:
                raise Invalid({"/lines": [_("So many pieces of that line cannot be sent back.")]})
            paid = min(count, line.may_refund) if pays else 0
            share = paid, line.price(paid)
            values = {"received": count, "restocked": restocked, "settled": paid, "worth": share[1]}
            session.connection().execute(RECEIVE, {"of_return": return_id, "line_id": line_id, **values})
            session.connection().execute(TAKE_BACK, {"line_id": line_id, "pieces": count})
            if paid:
                settled[line_id] = share
        count_paid_back(settled)


def _restock(back: Sequence[tuple[int | None, int]], order: Row[Any], *, by: str, at: datetime) -> None:
    known = [(variant_id, count) for variant_id, count in back if variant_id is not None]
    if not known:
        return
    with transaction() as session:
        give_back_stock(known, reason=Reason.RETURN, reference=order.number, actor=by, at=at)
        products = session.execute(select(Variant.product_id).where(Variant.id.in_([variant_id for variant_id, _count in known])))
        refresh_availability(set(products.scalars()), at=at)


def _claim(return_id: int) -> tuple[Row[Any], Row[Any]]:
    """Hold the order, then read the return."""
    with transaction() as session:
        order_id = session.execute(ORDER_OF, {"return_id": return_id}).scalar()
        if order_id is None:
            raise NotFound(_("There is no such return."))
        order = claim_order(order_id)
        return order, session.execute(RETURN, {"return_id": return_id}).one()


def _set(return_id: int, **values: Any) -> None:
    with transaction() as session:
        session.execute(update(requests).where(requests.c.id == return_id).values(**values))


def _tell(order: Any, return_id: int, place: int, verb: str, *, by: str, note: str = "", at: datetime) -> None:
    record_entry(order.id, verb, by=by, note=" · ".join(part for part in (return_number(order.number, place), note) if part), at=at)
    facts = {"order_id": order.id, "number": order.number, "return_id": return_id, "place": place, "by": by}
    record_event(f"order.{verb}", f"order:{order.id}", facts, at=at)
