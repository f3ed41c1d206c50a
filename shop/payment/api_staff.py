"""Payments for programs of the staff: what came in and went back; capturing, letting go, giving back; what a person did at the bank."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Callable
from functools import partial
from typing import Any

from flask import request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_login import current_user
from marshmallow import fields
from marshmallow.validate import Length

from shop.clock import now
from shop.errors import IllegalMove, Invalid, NotFound, StaleVersion
from shop.money import Money
from shop.order.api_staff import MOST_LINES, PiecesSchema, act_body, act_json, answer
from shop.order.queries import OrderView, get_order
from shop.order.seen import check_then_act
from shop.payment import bp
from shop.payment.queries import list_attempts, list_disputes, list_refunds
from shop.payment.refunds import record_bank_refund, refund_payment
from shop.payment.services import capture_payment, record_bank_payment, void_payment
from shop.web.api import describe
from shop.web.fields import Flag, MoneyAmount, ShopSchema, Text, WholeNumber
from shop.web.idempotency import idempotent
from shop.web.json import json_response, load_body

WHAT_MAY_STOP = [NotFound, IllegalMove, StaleVersion]


class RefundBodySchema(ShopSchema):
    """The share of ``lines``, ``amount`` beside them, or both. ``restock``: the pieces are on the shelf again."""

    lines = fields.List(fields.Nested(PiecesSchema), load_default=list, validate=Length(max=MOST_LINES))
    amount = MoneyAmount(low=1, load_default=None, allow_none=True)
    restock = Flag(load_default=False)
    reason = Text(maximum=200, load_default="")


class AttemptSchema(ShopSchema):
    """An attempt to pay; ``state`` as in the glossary. ``note`` is the gateway's name for it, or why it failed."""

    id = WholeNumber()
    method = Text()
    state = Text()
    amount = MoneyAmount()
    captured = MoneyAmount()
    refunded = MoneyAmount()
    at = Text()
    note = Text()


class RefundSchema(ShopSchema):
    """Money given back, or about to be; ``pending`` waits for a person, ``unknown`` for the gateway's word."""

    id = WholeNumber()
    payment = WholeNumber()
    state = Text()
    amount = MoneyAmount()
    reason = Text()
    error = Text()
    by = Text()
    at = Text()


class DisputeSchema(ShopSchema):
    """What the customer's bank contests; ``due_at`` is the last moment to answer it, or null."""

    payment = WholeNumber()
    reference = Text()
    state = Text()
    amount = MoneyAmount()
    reason = Text()
    due_at = Text(allow_none=True)


class OrderMoneySchema(ShopSchema):
    """All money of an order, oldest first."""

    payments = fields.List(fields.Nested(AttemptSchema))
    refunds = fields.List(fields.Nested(RefundSchema))
    disputes = fields.List(fields.Nested(DisputeSchema))


refund_body, money = RefundBodySchema(), OrderMoneySchema()


@bp.get("/api/v1/orders/<number>/payments")
@describe("The payments, refunds and disputes of an order", answer=money, permission="orders.view", errors=[NotFound])
def list_payments_json(number: str) -> ResponseReturnValue:
    return json_response(dump_money(get_order(number)))


@bp.post("/api/v1/orders/<number>/payment")
@describe(
    "Record that the money stands on the shop's account", body=act_body, answer=answer, permission="payments.edit", errors=WHAT_MAY_STOP
)
def confirm_payment_json(number: str) -> ResponseReturnValue:
    wanted = load_body(act_body)
    return act_json(number, wanted["version"], record_bank_payment, guard=check_then_act)


@bp.post("/api/v1/orders/<number>/payments/<int:payment_id>/capture")
@describe("Take what the customer's bank has promised", body=act_body, answer=answer, permission="payments.edit", errors=WHAT_MAY_STOP)
def capture_json(number: str, payment_id: int) -> ResponseReturnValue:
    return _act(number, payment_id, capture_payment)


@bp.post("/api/v1/orders/<number>/payments/<int:payment_id>/void")
@describe("Let go what the customer's bank has promised", body=act_body, answer=answer, permission="payments.edit", errors=WHAT_MAY_STOP)
def void_json(number: str, payment_id: int) -> ResponseReturnValue:
    return _act(number, payment_id, void_payment)


@bp.post("/api/v1/orders/<number>/payments/<int:payment_id>/refunds")
@describe(
    "Give money back, for pieces or as an amount",
    body=refund_body,
    answer=money,
    status=201,
    permission="orders.refund",
    errors=[NotFound, IllegalMove, Invalid],
)
@idempotent(lambda: f"user:{current_user.id}")
def refund_json(number: str, payment_id: int) -> ResponseReturnValue:
    """The key of the request names the refund as well: sent again after a crash, it is the same one."""
    wanted, order = load_body(refund_body), get_order(number)
    check_own(order, payment_id)
    given = request.headers.get("Idempotency-Key")
    press = hashlib.sha256(f"{current_user.id} {given}".encode()).hexdigest()[:32] if given else secrets.token_urlsafe(24)
    pieces = {line["id"]: line["quantity"] for line in wanted["lines"]}
    if len(pieces) < len(wanted["lines"]):
        raise Invalid({"/lines": [_("Name each line once.")]})
    refund_payment(
        payment_id,
        press=press,
        pieces=pieces,
        amount_minor=wanted["amount"].minor if wanted["amount"] else 0,
        restocks=wanted["restock"],
        reason=wanted["reason"],
        by=current_user.email,
        at=now(),
    )
    return json_response(dump_money(order), 201, {"Location": url_for("payment.list_payments_json", number=order.number)})


@bp.post("/api/v1/orders/<number>/refunds/<int:refund_id>")
@describe("Record that a refund was sent by hand", body=act_body, answer=answer, permission="orders.refund", errors=WHAT_MAY_STOP)
def confirm_refund_json(number: str, refund_id: int) -> ResponseReturnValue:
    wanted = load_body(act_body)
    order = get_order(number)
    if all(found.id != refund_id for found in list_refunds(order.id)):
        raise NotFound(_("There is no such refund."))

    def record(_order_id: int, **who: Any) -> None:
        record_bank_refund(refund_id, **who)

    return act_json(number, wanted["version"], record, guard=check_then_act)


def _act(number: str, payment_id: int, verb: Callable[..., object]) -> ResponseReturnValue:
    wanted = load_body(act_body)
    check_own(get_order(number), payment_id)
    act = partial(verb, payment_id)
    return act_json(number, wanted["version"], lambda _order_id, **who: act(**who), guard=check_then_act)


def check_own(order: OrderView, payment_id: int) -> None:
    if all(attempt.id != payment_id for attempt in list_attempts(order.id)):
        raise NotFound(_("There is no such payment."))


def dump_money(order: OrderView) -> dict[str, Any]:
    return {
        "payments": [
            {
                "id": found.id,
                "method": found.gateway,
                "state": found.state.value,
                "amount": Money(found.amount_minor, found.currency).dump(),
                "captured": Money(found.captured_minor, found.currency).dump(),
                "refunded": Money(found.refunded_minor, found.currency).dump(),
                "at": (found.settled_at or found.created_at).isoformat(),
                "note": found.error or found.reference or "",
            }
            for found in list_attempts(order.id)
        ],
        "refunds": [
            {
                "id": found.id,
                "payment": found.payment_id,
                "state": found.state.value,
                "amount": Money(found.amount_minor, found.currency).dump(),
                "reason": found.reason,
                "error": found.error,
                "by": found.actor,
                "at": found.created_at.isoformat(),
            }
            for found in list_refunds(order.id)
        ],
        "disputes": [
            {
                "payment": found.payment_id,
                "reference": found.reference,
                "state": found.state.value,
                "amount": Money(found.amount_minor, found.currency).dump(),
                "reason": found.reason,
                "due_at": found.due_at.isoformat() if found.due_at else None,
            }
            for found in list_disputes(order.id)
        ],
    }
