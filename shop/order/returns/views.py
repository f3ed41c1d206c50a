"""Sending something back, for the customer: from the order's page, with or without an account."""

from __future__ import annotations

from flask import Response, flash, make_response, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from shop.clock import now
from shop.errors import IllegalMove, Invalid
from shop.order import bp
from shop.order.links import actor, can_see, order_key, own_path
from shop.order.queries import OrderView, get_own_order
from shop.order.returns.forms import KeyForm, ReturnForm, return_form
from shop.order.returns.queries import get_return, returnable
from shop.order.returns.services import ask_return, withdraw_return
from shop.web.context import user


@bp.get("/orders/<number>/returns/new")
def show_new_return(number: str) -> ResponseReturnValue:
    """Choose what goes back, and say why."""
    order = get_own_order(number, request.args.get("key", ""), user())
    allowed = returnable(order, at=now())
    return _page(order, return_form(order, allowed, fresh=True))


@bp.post("/orders/<number>/returns")
def ask_for_return(number: str) -> ResponseReturnValue:
    """Ask for it."""
    order = get_own_order(number, request.form.get("key", ""), user(), "orders.return")
    form = return_form(order, returnable(order, at=now()))
    if not form.validate_on_submit():
        return _page(order, form, 422)
    try:
        ask_return(order.id, form.pieces, reason=form.reason.data, note=form.note.data or "", by=actor(order, user()), at=now())
    except (IllegalMove, Invalid) as problem:
        flash(problem.detail or _("So many pieces of that line cannot be sent back."), "warning")
    else:
        flash(_("We have your request and answer by e-mail."), "good")
    return redirect(own_path(order, user()), 303)


@bp.post("/orders/<number>/returns/<int:place>/withdrawal")
def take_back_return(number: str, place: int) -> ResponseReturnValue:
    """The customer keeps it after all."""
    order, form = get_own_order(number, request.form.get("key", ""), user(), "orders.return"), KeyForm()
    if not form.validate_on_submit():
        return redirect(own_path(order, user()), 303)
    try:
        withdraw_return(get_return(order, place).id, by=actor(order, user()), at=now())
    except IllegalMove as problem:
        flash(problem.detail, "warning")
    else:
        flash(_("The return is taken back."), "good")
    return redirect(own_path(order, user()), 303)


def _page(order: OrderView, form: ReturnForm, status: int = 200) -> Response:
    allowed, known = returnable(order, at=now()), user()
    key = None if can_see(order, "", known) else order_key(order.number)
    page = render_template(
        "order/show_new_return.html",
        order=order,
        form=form,
        allowed=allowed,
        key=key or "",
        back=url_for("order.show_order", number=order.number, key=key),
    )
    response = make_response(page, status)
    response.headers["Referrer-Policy"] = "same-origin"
    return response
