"""Changing an order, for staff: pieces taken off or added, another address; and words that the customer reads."""

from __future__ import annotations

from functools import partial

from flask import redirect, render_template, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_login import current_user

from shop.clock import now
from shop.order.admin import act, show, staff
from shop.order.changes.forms import EditForm, edit_form
from shop.order.changes.services import edit_order
from shop.order.parcels import mark_parcel_delivered
from shop.order.queries import OrderView, get_order
from shop.order.services import write_message
from shop.order.staff_forms import ActForm, NoteForm
from shop.web.staff import needs


@staff.get("/<number>/edit")
@needs("orders.edit")
def show_edit(number: str) -> ResponseReturnValue:
    """The order as a form."""
    order = get_order(number)
    if not order.can_be_edited:
        return show(order, problem=_("Everything has left, or the order has ended: nothing can be changed any more."), status=409)
    return _editing(order, edit_form(order, fresh=True))


@staff.post("/<number>/edit")
@needs("orders.edit")
def edit(number: str) -> ResponseReturnValue:
    """Change it; what was paid too much goes back."""
    order = get_order(number)
    form = edit_form(order)

    def change(**who: object) -> None:
        edit_order(order.id, form.edit, **who)  # type: ignore[arg-type]

    return act(order, form, "edited", change, _("The order is changed."), refuse=lambda: _editing(order, form, 422))


@staff.post("/<number>/messages")
@needs("orders.edit")
def add_message(number: str) -> ResponseReturnValue:
    """Write to the customer: it stands on their page of the order, and goes out by mail."""
    order, form = get_order(number), NoteForm()
    if not form.validate_on_submit():
        return show(order, note_form=form, status=422)
    write_message(order.id, form.note.data or "", by=current_user.email, at=now())
    return redirect(url_for("admin.order_staff.show_order", number=order.number, _anchor="time"), 303)


@staff.post("/<number>/shipments/<int:shipment_id>/delivery")
@needs("orders.fulfill")
def deliver_parcel(number: str, shipment_id: int) -> ResponseReturnValue:
    """One parcel of several has arrived."""
    order = get_order(number)
    arrive = partial(mark_parcel_delivered, order.id, shipment_id)
    return act(order, ActForm(), "parcel_delivered", arrive, _("The parcel has arrived."))


def _editing(order: OrderView, form: EditForm, status: int = 200) -> ResponseReturnValue:
    return render_template("order/admin/show_edit.html", order=order, form=form), status
