"""The withdrawal function: a form, a page to confirm it, a receipt. Nobody must log in, and nobody learns whether an order exists.

Source: Directive 2011/83/EU, article 11a: labelled plainly, a statement, a confirmation, a receipt on a durable medium with date and time.
"""

from __future__ import annotations

from flask import redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from shop.auth.current import network
from shop.auth.limits import count_try
from shop.clock import now
from shop.order import bp
from shop.order.links import can_see
from shop.order.policy import return_days
from shop.order.queries import find_order
from shop.order.withdrawal.forms import WithdrawalForm
from shop.order.withdrawal.queries import get_withdrawal
from shop.order.withdrawal.services import declare_withdrawal
from shop.web.context import user
from shop.web.locale import current_locale


@bp.get("/withdrawal")
def show_withdrawal() -> ResponseReturnValue:
    """The statement. Whoever comes from an order that is theirs finds it filled in."""
    order = find_order(request.args.get("order", "")) if request.args.get("order") else None
    known = {}
    if order is not None and can_see(order, request.args.get("key", ""), user()):
        known = {"name": order.name, "order_number": order.number, "email": order.email}
    return _render(WithdrawalForm(formdata=None, **known))


def _render(form: WithdrawalForm, *, is_review: bool = False) -> str:
    return render_template("order/show_withdrawal.html", form=form, is_review=is_review, days=return_days())


@bp.post("/withdrawal/review")
def review_withdrawal() -> ResponseReturnValue:
    """Everything once more, and the button that confirms it."""
    form = WithdrawalForm()
    is_good = form.validate_on_submit()
    return _render(form, is_review=is_good), 200 if is_good else 422


@bp.post("/withdrawal")
def withdraw() -> ResponseReturnValue:
    """Confirmed: it is declared from this moment on."""
    form = WithdrawalForm()
    if not form.validate_on_submit():
        return _render(form), 422
    count_try(f"order:{network()}", at=now())
    reference = declare_withdrawal(
        name=form.name.data,
        order_number=form.order_number.data,
        email=form.email.data,
        note=form.note.data or "",
        locale=current_locale(),
        reference=form.press,
        at=now(),
    )
    return redirect(url_for("order.show_withdrawal_receipt", reference=reference), 303)


@bp.get("/withdrawal/<reference>")
def show_withdrawal_receipt(reference: str) -> ResponseReturnValue:
    """What was declared, and when; the same stands in the mail."""
    return render_template("order/show_withdrawal_receipt.html", found=get_withdrawal(reference))
