"""Paying an order from its page, coming back from a gateway, and the page of the test bank."""

from __future__ import annotations

from typing import Any

from flask import abort, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from shop.clock import now
from shop.errors import IllegalMove, Invalid
from shop.order.links import own_path
from shop.order.queries import get_own_order
from shop.payment import bp
from shop.payment.forms import PayForm
from shop.payment.gateways.base import Truth
from shop.payment.gateways.test_card import SILENCE, TestBank
from shop.payment.queries import gateways
from shop.payment.services import settle_order, start_payment
from shop.web.context import user


@bp.post("/orders/<number>/payments")
def pay_order(number: str) -> ResponseReturnValue:
    """Try (again) to pay an order that is not paid."""
    form = PayForm()
    order = get_own_order(number, form.key.data or "", user())
    if not form.validate_on_submit():
        return redirect(own_path(order, user()), 303)
    try:
        step = start_payment(order.id, gateway=form.payment_method.data or order.payment_method, at=now())
    except (IllegalMove, Invalid) as problem:
        flash(problem.detail or _("Choose one of the ways to pay."), "warning")
        return redirect(own_path(order, user()), 303)
    return redirect(step.url or own_path(order, user()), 303)


@bp.get("/orders/<number>/payments/return")
def finish_payment(number: str) -> ResponseReturnValue:
    """The gateway sent the customer back: ask it for the truth, then show the order. What the address claims counts for nothing."""
    order = get_own_order(number, request.args.get("key", ""), user())
    settle_order(order.id, at=now())
    return redirect(own_path(order, user()), 303)


@bp.get("/payments/<token>/test-card")
def show_test_card(token: str) -> ResponseReturnValue:
    """The page of the test bank: no money moves here."""
    return render_template("payment/show_test_card.html", charge=_charge(_bank(), token))


@bp.post("/payments/<token>/test-card")
def answer_test_card(token: str) -> ResponseReturnValue:
    """What a customer does on that page. A page that is left open can be answered only once."""
    bank = _bank()
    charge = _charge(bank, token)
    answer = request.form.get("answer", "")
    if answer == "challenge":
        bank.challenge(token)
        return redirect(url_for("payment.show_test_card", token=token), 303)
    if answer == "approve":
        bank.decide(token, Truth.CAPTURED)
    elif answer == "decline":
        bank.decide(token, Truth.DECLINED, reason=_("The card was declined."))
    elif answer == "time_out":
        bank.decide(token, Truth.CAPTURED, silent_until=now() + SILENCE)
    else:
        abort(422)
    return redirect(charge["return_url"], 303)


def _bank() -> TestBank:
    gateway = gateways().get("test_card")
    if gateway is None:
        abort(404)
    return gateway.bank  # type: ignore[attr-defined]


def _charge(bank: TestBank, token: str) -> dict[str, Any]:
    charge = bank.find_by_reference(token)
    if charge is None:
        abort(404)
    return dict(charge)
