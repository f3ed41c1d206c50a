"""Pages of orders that were placed: find one, see it, cancel it. How an order is placed stands in ``shop.checkout``."""

from __future__ import annotations

from flask import Response, flash, make_response, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from shop.auth.current import network
from shop.auth.limits import count_try
from shop.clock import now
from shop.errors import IllegalMove
from shop.order import bp
from shop.order.documents.queries import list_documents
from shop.order.forms import CancelForm, FindOrderForm
from shop.order.links import actor, can_see, order_key, own_path
from shop.order.progress import next_sentence, steps
from shop.order.queries import OrderView, get_own_order
from shop.order.queries import find_order as find
from shop.order.returns.queries import list_returns, returnable
from shop.order.services import cancel_order
from shop.web.context import user


@bp.get("/orders")
def find_order() -> ResponseReturnValue:
    """A form for people who lost the link."""
    return render_template("order/find_order.html", form=FindOrderForm(formdata=None))


@bp.post("/orders/search")
def look_up_order() -> ResponseReturnValue:
    """Show the order whose number and e-mail are both right. Every try is counted, so that nobody goes through numbers."""
    form = FindOrderForm()
    if form.validate_on_submit():
        count_try(f"order:{network()}", at=now())
        found = find(form.number.data)
        if found is not None and found.email == form.email.data:
            return redirect(url_for("order.show_order", number=found.number, key=order_key(found.number)), 303)
        form.form_errors.append(_("There is no order with this number and this e-mail. Both stand in the confirmation that we sent."))
    return render_template("order/find_order.html", form=form), 422


@bp.get("/orders/<number>")
def show_order(number: str) -> ResponseReturnValue:
    """An order: what happens next, what was bought, where it goes."""
    order = get_own_order(number, request.args.get("key", ""), user())
    return _page(order, CancelForm(formdata=None))


@bp.post("/orders/<number>/cancellation")
def cancel(number: str) -> ResponseReturnValue:
    """The customer cancels, while nothing has left the house."""
    form = CancelForm()
    order = get_own_order(number, form.key.data or "", user(), "orders.cancel")
    if not form.validate_on_submit():
        return _page(order, form, 422)
    try:
        cancel_order(order.id, by=actor(order, user()), note=form.note.data or "", at=now())
    except IllegalMove as problem:
        form.form_errors.append(problem.detail)
        return _page(get_own_order(number, form.key.data or "", user()), form, 409)
    flash(_("The order is canceled."), "good")
    return redirect(own_path(order, user()), 303)


def _page(order: OrderView, form: CancelForm, status: int = 200) -> Response:
    known = user()
    page = render_template(
        "order/show_order.html",
        order=order,
        form=form,
        key=order_key(order.number),
        shown_key=None if can_see(order, "", known) else order_key(order.number),
        steps=steps(order),
        sentence=next_sentence(order),
        documents=list_documents(order.id) if order.was_paid or order.has_left else (),
        returns=list_returns(order) if order.has_left else (),
        can_keep=known is None and order.user_id is None and not order.is_canceled,
        can_return=order.has_left and returnable(order, at=now()).is_open,
    )
    response = make_response(page, status)
    response.headers["Referrer-Policy"] = "same-origin"  # the link opens the order: other sites need not learn it
    return response
