"""Payments for staff, on the page of an order: what came in, what is promised, what went back, what is contested; and giving money back."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import Any

from flask import Blueprint, flash, redirect, render_template, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_login import current_user
from sqlalchemy import Row

from shop.clock import now
from shop.errors import IllegalMove, Invalid, NotFound
from shop.money import Money
from shop.order.admin import act
from shop.order.queries import OrderView, get_order
from shop.order.reckoning import reckon_lines
from shop.order.seen import check_then_act
from shop.order.staff_forms import ActForm
from shop.payment.forms import RefundForm, refund_form
from shop.payment.models import DisputeState, State
from shop.payment.queries import gateways, list_attempts, list_disputes, list_refunds
from shop.payment.refunds import record_bank_refund, refund_payment
from shop.payment.services import capture_payment, record_bank_payment, void_payment
from shop.web.staff import StaffEntry, needs

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
REFUND_SIGNS: dict[State, tuple[str, Any]] = {
    State.PENDING: ("wedge", _l("Send it by hand")),
    State.ATTEMPTING: ("half", _l("At the gateway")),
    State.UNKNOWN: ("half", _l("Under way, will be asked")),
    State.CAPTURED: ("full", _l("Given back")),
    State.FAILED: ("wedge", _l("Refused by the gateway")),
}
DISPUTE_SIGNS: dict[DisputeState, tuple[str, Any]] = {
    DisputeState.OPEN: ("wedge", _l("Contested")),
    DisputeState.WON: ("full", _l("Won")),
    DisputeState.LOST: ("square", _l("Lost")),
}
SAID: dict[State, Any] = {
    State.CAPTURED: _l("The money is on its way back to the customer."),
    State.PENDING: _l("The refund is noted. Send the money by hand, then say so here."),
    State.UNKNOWN: _l("The gateway has not said yet that it is done. It is asked again until it does."),
    State.FAILED: _l("The gateway refused. Nothing went back; the reason stands below."),
}


@dataclass(frozen=True, slots=True)
class Attempt:
    """One attempt to pay, one refund or one dispute, as a row of the order's page."""

    id: int
    name: str
    sign: tuple[str, str]
    at: Any
    amount: Money
    captured: Money
    refunded: Money
    note: str
    is_authorized: bool = False
    has_rest: bool = False
    needs_hand: bool = False
    can_be_asked: bool = False


@staff.app_template_global("staff_payments")
def staff_payments(order: OrderView) -> dict[str, list[Attempt]]:
    """The attempts to pay an order, its refunds, and what the customer's bank contests."""
    names = {code: str(gateway.name) for code, gateway in gateways().items()}
    return {
        "attempts": [_attempt(found, names.get(found.gateway, found.gateway)) for found in list_attempts(order.id)],
        "refunds": [_refund(found) for found in list_refunds(order.id)],
        "disputes": [_dispute(found) for found in list_disputes(order.id)],
    }


def _attempt(found: Any, name: str) -> Attempt:
    amount, captured, refunded = (
        Money(minor, found.currency) for minor in (found.amount_minor, found.captured_minor, found.refunded_minor)
    )
    return Attempt(
        found.id,
        name,
        _sign(SIGNS, found.state),
        found.settled_at or found.created_at,
        amount,
        captured,
        refunded,
        found.error or found.reference or "",
        is_authorized=found.state is State.AUTHORIZED,
        has_rest=found.state is State.CAPTURED and found.refunded_minor < found.captured_minor,
        can_be_asked=found.gateway in gateways() and gateways()[found.gateway].is_remote,
    )


def _refund(found: Any) -> Attempt:
    amount, zero = Money(found.amount_minor, found.currency), Money.zero(found.currency)
    note = found.error or found.actor
    is_waiting = found.state is State.PENDING
    return Attempt(
        found.id, found.reason, _sign(REFUND_SIGNS, found.state), found.created_at, amount, zero, zero, note, needs_hand=is_waiting
    )


def _dispute(found: Any) -> Attempt:
    amount, zero = Money(found.amount_minor, found.currency), Money.zero(found.currency)
    at = found.closed_at or found.due_at or found.created_at
    return Attempt(found.id, found.reason, _sign(DISPUTE_SIGNS, found.state), at, amount, zero, zero, found.reference)


def _sign(signs: dict[Any, tuple[str, Any]], state: Any) -> tuple[str, str]:
    shape, words = signs[state]
    return shape, str(words)


@staff.post("/<number>/payment")
@needs("payments.edit")
def confirm_payment(number: str) -> ResponseReturnValue:
    """The money stands on the shop's account."""
    order = get_order(number)
    return act(order, ActForm(), "paid", partial(record_bank_payment, order.id), _("The payment is recorded."), guard=check_then_act)


@staff.post("/<number>/payments/<int:payment_id>/capture")
@needs("payments.edit")
def capture(number: str, payment_id: int) -> ResponseReturnValue:
    """Take what the customer's bank has promised."""
    order = get_order(number)
    take = partial(capture_payment, get_own_attempt(order, payment_id).id)
    return act(order, ActForm(), "paid", take, _("The payment is captured."), guard=check_then_act)


@staff.post("/<number>/payments/<int:payment_id>/void")
@needs("payments.edit")
def void(number: str, payment_id: int) -> ResponseReturnValue:
    """Let go what the customer's bank has promised."""
    order = get_order(number)
    let_go = partial(void_payment, get_own_attempt(order, payment_id).id)
    return act(order, ActForm(), "unpaid", let_go, _("The payment is let go; nothing was taken."), guard=check_then_act)


@staff.get("/<number>/payments/<int:payment_id>/refund")
@needs("orders.refund")
def show_refund(number: str, payment_id: int) -> ResponseReturnValue:
    """How much goes back, for which pieces, and why."""
    order = get_order(number)
    return _page(order, payment_id, refund_form(order, reckon_lines(order.id), fresh=True))


@staff.post("/<number>/payments/<int:payment_id>/refund")
@needs("orders.refund")
def refund(number: str, payment_id: int) -> ResponseReturnValue:
    """Give money back, once per page that was opened."""
    order = get_order(number)
    attempt = get_own_attempt(order, payment_id)
    form = refund_form(order, reckon_lines(order.id))
    if not form.validate_on_submit():
        return _page(order, payment_id, form, status=422)
    try:
        state = refund_payment(
            attempt.id,
            press=form.press.data or "",
            pieces=form.pieces,
            amount_minor=form.amount_minor,
            restocks=bool(form.restocks.data),
            reason=form.reason.data or "",
            by=current_user.email,
            at=now(),
        )
    except IllegalMove as problem:
        return _page(order, payment_id, form, problem=problem.detail, status=409)
    except Invalid as problem:
        return _page(order, payment_id, form, problem=" ".join(str(text) for said in problem.errors.values() for text in said), status=422)
    flash(str(SAID.get(state, SAID[State.UNKNOWN])), "success" if state is State.CAPTURED else "warning")
    return redirect(url_for("admin.order_staff.show_order", number=order.number), 303)


@staff.post("/<number>/refunds/<int:refund_id>")
@needs("orders.refund")
def confirm_refund(number: str, refund_id: int) -> ResponseReturnValue:
    """The money was sent back by hand."""
    order = get_order(number)
    if all(found.id != refund_id for found in list_refunds(order.id)):
        raise NotFound(_("There is no such refund."))
    done = _("The refund is recorded.")
    return act(order, ActForm(), "refunded", partial(record_bank_refund, refund_id), done, guard=check_then_act)


def get_own_attempt(order: OrderView, payment_id: int) -> Row[Any]:
    """The attempt, if it is one to pay this order.

    Raises:
        NotFound: it is not.
    """
    found = next((attempt for attempt in list_attempts(order.id) if attempt.id == payment_id), None)
    if found is None:
        raise NotFound(_("There is no such payment."))
    return found


def _page(order: OrderView, payment_id: int, form: RefundForm, *, problem: str = "", status: int = 200) -> ResponseReturnValue:
    attempt = get_own_attempt(order, payment_id)
    rest = Money(attempt.captured_minor - attempt.refunded_minor, attempt.currency)
    page = render_template("payment/admin/show_refund.html", order=order, payment_id=payment_id, rest=rest, form=form, problem=problem)
    return page, status
