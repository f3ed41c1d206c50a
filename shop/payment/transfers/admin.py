"""Transfers for staff: send the bank's list, see what paid nothing yet, say whose it is or lay it aside."""

from __future__ import annotations

from flask import Blueprint, current_app, flash, redirect, render_template, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_login import current_user

from shop.clock import now
from shop.errors import IllegalMove, Invalid
from shop.money import Money
from shop.payment.forms import TransferForm, TransfersForm
from shop.payment.transfers.files import read_bank_file
from shop.payment.transfers.services import assign_transfer, count_open_transfers, dismiss_transfer, import_transfers, list_open_transfers
from shop.web.staff import StaffEntry, needs

staff = Blueprint("transfer_staff", __name__, url_prefix="/transfers")
ENTRIES = [StaffEntry("admin.transfer_staff.list_transfers", _l("Transfers"), 12, icon="card", is_sub=True, count=count_open_transfers)]


@staff.get("")
@needs("payments.edit")
def list_transfers() -> ResponseReturnValue:
    """What came in and paid nothing yet."""
    return _page(TransfersForm(formdata=None))


@staff.post("")
@needs("payments.edit")
def take_list() -> ResponseReturnValue:
    """The bank's list: what fits an order pays it."""
    form = TransfersForm()
    if not form.validate_on_submit():
        return _page(form, status=422)
    try:
        incoming = read_bank_file(form.list.data.read(), currency=current_app.extensions["config"].currency)
    except Invalid as problem:
        return _page(form, problem=problem.detail, status=422)
    matched = import_transfers(incoming, by=current_user.email, at=now())
    said = _(
        "%(paid)s orders are paid; %(open)s transfers wait for you; %(known)s were known before.",
        paid=matched.paid,
        open=matched.open,
        known=matched.known,
    )
    flash(said, "warning" if matched.open else "success")
    return redirect(url_for("admin.transfer_staff.list_transfers"), 303)


@staff.post("/<int:transfer_id>/assignment")
@needs("payments.edit")
def assign(transfer_id: int) -> ResponseReturnValue:
    """It is the money of that order."""
    form = TransferForm()
    if not form.validate_on_submit():
        return _page(TransfersForm(formdata=None), problem=_("Write the number of the order."), status=422)
    try:
        assign_transfer(transfer_id, form.number.data or "", by=current_user.email, at=now())
    except Invalid as problem:
        return _page(TransfersForm(formdata=None), problem=" ".join(problem.errors["/number"]), status=422)
    except IllegalMove as problem:
        return _page(TransfersForm(formdata=None), problem=problem.detail, status=409)
    flash(_("The payment is recorded."), "success")
    return redirect(url_for("admin.transfer_staff.list_transfers"), 303)


@staff.post("/<int:transfer_id>/dismissal")
@needs("payments.edit")
def dismiss(transfer_id: int) -> ResponseReturnValue:
    """It pays no order."""
    form = TransferForm()
    if not form.validate_on_submit():
        return _page(TransfersForm(formdata=None), problem=_("That note is too long."), status=422)
    try:
        dismiss_transfer(transfer_id, form.note.data or "", by=current_user.email)
    except IllegalMove as problem:
        return _page(TransfersForm(formdata=None), problem=problem.detail, status=409)
    flash(_("The transfer is laid aside."), "success")
    return redirect(url_for("admin.transfer_staff.list_transfers"), 303)


def _page(form: TransfersForm, *, problem: str = "", status: int = 200) -> ResponseReturnValue:
    waiting = [(found, Money(found.amount_minor, found.currency)) for found in list_open_transfers()]
    each = TransferForm(formdata=None)
    return render_template("payment/admin/list_transfers.html", form=form, each=each, waiting=waiting, problem=problem), status
