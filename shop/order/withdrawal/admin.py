"""Withdrawals for staff: what came in, the order that it means, and what was done."""

from __future__ import annotations

from flask import Blueprint, flash, redirect, render_template, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_login import current_user

from shop.clock import now
from shop.errors import IllegalMove
from shop.order.queries import get_order
from shop.order.returns.queries import returnable
from shop.order.withdrawal.forms import HandlingForm
from shop.order.withdrawal.queries import count_withdrawals, get_withdrawal, list_withdrawals
from shop.order.withdrawal.services import handle_withdrawal
from shop.web.fields import FlagText
from shop.web.lists import Filters, here_with, load_filters, view_of
from shop.web.staff import StaffEntry, needs

staff = Blueprint("withdrawal_staff", __name__, url_prefix="/withdrawals")
ENTRIES = [StaffEntry("admin.withdrawal_staff.list_declarations", _l("Withdrawals"), 13, icon="undo", is_sub=True, count=count_withdrawals)]


class WithdrawalFilters(Filters):
    """``?open=1``."""

    open = FlagText(load_default=False)


@staff.get("")
@needs("orders.view")
def list_declarations() -> ResponseReturnValue:
    """Declarations of withdrawal, newest first."""
    chosen = load_filters(WithdrawalFilters())
    views = [view_of(_("All")), view_of(_("To handle"), count_withdrawals(), open="1")]
    page = list_withdrawals(is_open=chosen["open"], cursor=chosen["cursor"])
    return render_template("order/admin/list_declarations.html", page=page, views=views, chosen=chosen, here_with=here_with)


@staff.get("/<reference>")
@needs("orders.view")
def show_declaration(reference: str) -> ResponseReturnValue:
    """One declaration, the order that it means, and what can follow."""
    return _page(reference, HandlingForm(formdata=None))


@staff.post("/<reference>/handling")
@needs("orders.return")
def handle(reference: str) -> ResponseReturnValue:
    """Write down what was done."""
    form = HandlingForm()
    if not form.validate_on_submit():
        return _page(reference, form, status=422)
    try:
        handle_withdrawal(reference, outcome=form.outcome.data or "", by=current_user.email, at=now())
    except IllegalMove as problem:
        return _page(reference, form, problem=problem.detail, status=409)
    flash(_("It is handled."), "success")
    return redirect(url_for("admin.withdrawal_staff.list_declarations"), 303)


def _page(reference: str, form: HandlingForm, *, problem: str = "", status: int = 200) -> ResponseReturnValue:
    found = get_withdrawal(reference)
    order = get_order(found.number) if found.number else None
    allowed = returnable(order, at=found.received_at) if order else None
    page = render_template("order/admin/show_declaration.html", found=found, order=order, allowed=allowed, form=form, problem=problem)
    return page, status
