"""Paying an order from its page, coming back from a gateway, its messages, and the page of the test bank."""

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
from shop.payment.gateways.base import Forged, NoAnswer, Refused, Truth
from shop.payment.gateways.test_card import TestCard
from shop.payment.inbox import receive_message
from shop.payment.queries import OrderPayment, find_page, gateways, order_payment
from shop.payment.services import settle_order, start_payment
from shop.payment.test_bank.books import SILENCE, Charge, TestBank
from shop.web.context import user
from shop.web.headers import allow

LONGEST_MESSAGE = 256 * 1024


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


@bp.get("/orders/<number>/payments/card")
def show_card(number: str) -> ResponseReturnValue:
    """The gateway's own card fields on a page of ours, which alone may load its script. Without JavaScript: a way to the other ways to pay."""
    order = get_own_order(number, request.args.get("key", ""), user())
    page = find_page(order.id, at=now())
    if page is None:
        return redirect(own_path(order, user()), 303)
    for directive, source in page.policy:
        allow(directive, source)
    return render_template("payment/show_card.html", order=order, page=page, order_path=own_path(order, user()))


def show_payment(order: Any) -> OrderPayment:
    """For the template of an order's page: what it says of paying. While that can be done, its form may lead to the gateways' pages."""
    if order.can_be_paid:
        allow_gateways()
    return order_payment(order)


def allow_gateways() -> None:
    """A form of this page may end on the page of a gateway: browsers look at the redirect as well."""
    origins = {gateway.page_origin for gateway in gateways().values() if gateway.page_origin}
    if origins:
        allow("form-action", " ".join(sorted(origins)))


@bp.post("/payments/webhooks/<gateway>")
def receive_webhook(gateway: str) -> ResponseReturnValue:
    """A gateway tells us that something happened. Who cannot sign is not told why; while the gateway itself is silent, it may tell us again."""
    request.max_content_length = LONGEST_MESSAGE
    body = request.get_data(cache=False)
    try:
        receive_message(gateway, body, dict(request.headers), at=now())
    except Forged:
        abort(400)
    except (NoAnswer, Refused):
        return "", 503
    return "", 200


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
        bank.decide(token, Truth.CAPTURED, at=now())
    elif answer == "decline":
        bank.decide(token, Truth.DECLINED, reason=_("The card was declined."), at=now())
    elif answer == "time_out":
        bank.decide(token, Truth.CAPTURED, silent_until=now() + SILENCE, at=now())
    else:
        abort(422)
    return redirect(charge.return_url, 303)


def _bank() -> TestBank:
    """The books, where the shop itself opens them."""
    gateway = gateways().get("test_card")
    if not isinstance(gateway, TestCard) or not isinstance(gateway.bank, TestBank):
        abort(404)
    return gateway.bank


def _charge(bank: TestBank, token: str) -> Charge:
    charge = bank.find_by_reference(token)
    if charge is None:
        abort(404)
    return charge
