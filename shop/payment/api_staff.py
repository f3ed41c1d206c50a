"""Payments for programs of the staff: the transfer that arrived, the refund that was sent by hand."""

from __future__ import annotations

from typing import Any

from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from shop.errors import IllegalMove, NotFound, StaleVersion
from shop.order.api_staff import act_body, act_json, answer
from shop.order.queries import get_order
from shop.order.seen import check_then_act
from shop.payment import bp
from shop.payment.queries import list_refunds
from shop.payment.refunds import record_bank_refund
from shop.payment.services import record_bank_payment
from shop.web.api import describe
from shop.web.json import load_body

WHAT_MAY_STOP = [NotFound, IllegalMove, StaleVersion]


@bp.post("/api/v1/orders/<number>/payment")
@describe("Record that the money stands on the shop's account", body=act_body, answer=answer, role="staff", errors=WHAT_MAY_STOP)
def confirm_payment_json(number: str) -> ResponseReturnValue:
    wanted = load_body(act_body)
    return act_json(number, wanted["version"], record_bank_payment, guard=check_then_act)


@bp.post("/api/v1/orders/<number>/refunds/<int:refund_id>")
@describe("Record that a refund was sent by hand", body=act_body, answer=answer, role="staff", errors=WHAT_MAY_STOP)
def confirm_refund_json(number: str, refund_id: int) -> ResponseReturnValue:
    wanted = load_body(act_body)
    order = get_order(number)
    if all(found.id != refund_id for found in list_refunds(order.id)):
        raise NotFound(_("There is no such refund."))

    def record(_order_id: int, **who: Any) -> None:
        record_bank_refund(refund_id, **who)

    return act_json(number, wanted["version"], record, guard=check_then_act)
