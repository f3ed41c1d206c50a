"""Payments for staff, on the page of an order: what came in, the transfer that arrived, the refund that was sent by hand."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import Any

from flask import Blueprint
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

from shop.errors import NotFound
from shop.money import Money
from shop.order.admin import act
from shop.order.queries import OrderView, get_order
from shop.order.seen import check_then_act
from shop.order.staff_forms import ActForm
from shop.payment.models import State
from shop.payment.queries import gateways, list_attempts, list_refunds
from shop.payment.refunds import record_bank_refund
from shop.payment.services import record_bank_payment
from shop.web.staff import StaffEntry

staff = Blueprint("payment_staff", __name__, url_prefix="/orders")
ENTRIES: list[StaffEntry] = []
SIGNS: dict[State, tuple[str, Any]] = {
    State.PENDING: ("ring", _l("Waiting")),
    State.ATTEMPTING: ("half", _l("At the gateway")),
    State.UNKNOWN: ("wedge", _l("Unclear, will be asked")),
    State.AUTHORIZED: ("half", _l("Authorized")),
    State.CAPTURED: ("full", _l("Captured")),
    State.FAILED: ("square", _l("Failed")),
    State.VOIDED: ("square", _l("Voided")),
}


@dataclass(frozen=True, slots=True)
class Attempt:
    """One attempt to pay, or one refund, as a row of the order's page."""

    id: int
    name: str
    sign: tuple[str, str]
    at: Any
    amount: Money
    captured: Money
    refunded: Money
    note: str


@staff.app_template_global("staff_payments")
def staff_payments(order: OrderView) -> dict[str, list[Attempt]]:
    """The attempts to pay an order, and its refunds."""
    names = {code: str(gateway.name) for code, gateway in gateways().items()}
    return {
        "attempts": [_attempt(found, names.get(found.gateway, found.gateway)) for found in list_attempts(order.id)],
        "refunds": [_refund(found) for found in list_refunds(order.id)],
    }


def _attempt(found: Any, name: str) -> Attempt:
    amount, captured, refunded = (
        Money(minor, found.currency) for minor in (found.amount_minor, found.captured_minor, found.refunded_minor)
    )
    note = found.error or found.reference or ""
    return Attempt(found.id, name, _sign(found.state), found.settled_at or found.created_at, amount, captured, refunded, note)


def _refund(found: Any) -> Attempt:
    amount, zero = Money(found.amount_minor, found.currency), Money.zero(found.currency)
    sign = ("wedge", str(_("Send it by hand"))) if found.state is State.PENDING else _sign(found.state)
    if found.state is State.CAPTURED:
        sign = ("full", str(_("Given back")))
    return Attempt(found.id, found.reason, sign, found.created_at, amount, zero, zero, found.actor)


def _sign(state: State) -> tuple[str, str]:
    shape, words = SIGNS[state]
    return shape, str(words)


@staff.post("/<number>/payment")
def confirm_payment(number: str) -> ResponseReturnValue:
    """The money stands on the shop's account."""
    order = get_order(number)
    return act(order, ActForm(), "paid", partial(record_bank_payment, order.id), _("The payment is recorded."), guard=check_then_act)


@staff.post("/<number>/refunds/<int:refund_id>")
def confirm_refund(number: str, refund_id: int) -> ResponseReturnValue:
    """The money was sent back by hand."""
    order = get_order(number)
    if all(found.id != refund_id for found in list_refunds(order.id)):
        raise NotFound(_("There is no such refund."))
    done = _("The refund is recorded.")
    return act(order, ActForm(), "refunded", partial(record_bank_refund, refund_id), done, guard=check_then_act)
