"""Customers: who bought or registered, with their orders and addresses."""

from __future__ import annotations

from flask import Blueprint, flash, redirect, render_template, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

from shop.auth.current import current_user
from shop.clock import now
from shop.customer.addresses import address_lines
from shop.customer.staff_services import change_customer, create_customer
from shop.errors import Conflict
from shop.people.forms import NewCustomerForm, PersonForm, PressForm
from shop.people.queries import get_customer, list_addresses_of, list_customers, list_orders_of
from shop.privacy.holdings import find_person
from shop.privacy.services import erase_person
from shop.web.lists import Filters, here_with, load_filters
from shop.web.locale import current_locale
from shop.web.staff import StaffEntry, needs

staff = Blueprint("customer_staff", __name__, url_prefix="/customers")
ENTRIES = [StaffEntry("admin.customer_staff.list_all_customers", _l("Customers"), 30, icon="users")]


@staff.get("")
@needs("customers.view")
def list_all_customers() -> ResponseReturnValue:
    """Customers, newest first."""
    chosen = load_filters(Filters())
    page = list_customers(search=chosen["q"], cursor=chosen["cursor"])
    return render_template("people/admin/list_customers.html", page=page, chosen=chosen, here_with=here_with)


@staff.get("/new")
@needs("customers.edit")
def show_new_customer() -> ResponseReturnValue:
    """The form of a new customer."""
    return _new(NewCustomerForm(formdata=None), 200)


def _new(form: NewCustomerForm, status: int) -> ResponseReturnValue:
    form.offer()
    return render_template("people/admin/show_new_customer.html", form=form), status


@staff.post("")
@needs("customers.edit")
def add_customer() -> ResponseReturnValue:
    """Write a customer down."""
    form = NewCustomerForm()
    form.offer()
    if not form.validate_on_submit():
        return _new(form, 422)
    try:
        customer_id = create_customer(email=form.email.data, name=form.name.data, locale=form.locale.data, at=now())
    except Conflict as problem:
        form.form_errors.append(problem.detail)
        return _new(form, 409)
    return redirect(url_for("admin.customer_staff.show_customer", customer_id=customer_id), 303)


@staff.get("/<int:customer_id>")
@needs("customers.view")
def show_customer(customer_id: int) -> ResponseReturnValue:
    """One customer."""
    return show(customer_id)


def show(customer_id: int, *, form: PersonForm | None = None, problem: str = "", status: int = 200) -> ResponseReturnValue:
    """The page of a customer; also what an act answers that was refused."""
    customer = get_customer(customer_id)
    form = form or PersonForm(formdata=None, data={"name": customer.name, "locale": customer.locale})
    form.offer()
    page = render_template(
        "people/admin/show_customer.html",
        customer=customer,
        orders=list_orders_of(customer_id),
        addresses=[(found.is_default, address_lines(values, current_locale())) for found, values in list_addresses_of(customer_id)],
        form=form,
        press=PressForm(formdata=None),
        problem=problem,
    )
    return page, status


@staff.post("/<int:customer_id>")
@needs("customers.edit")
def change_one_customer(customer_id: int) -> ResponseReturnValue:
    """Another name or language."""
    get_customer(customer_id)
    form = PersonForm()
    form.offer()
    if not form.validate_on_submit():
        return show(customer_id, form=form, status=422)
    change_customer(customer_id, name=form.name.data, locale=form.locale.data, at=now())
    flash(_("Saved."), "success")
    return redirect(url_for("admin.customer_staff.show_customer", customer_id=customer_id), 303)


@staff.post("/<int:customer_id>/erasure")
@needs("customers.edit")
def erase_customer(customer_id: int) -> ResponseReturnValue:
    """Erase a customer who asked for it."""
    get_customer(customer_id)
    if not PressForm().validate_on_submit():
        return show(customer_id, problem=_("The page was open too long. Press again."), status=422)
    try:
        reference = erase_person(find_person(customer_id=customer_id), by=current_user.email, at=now())
    except Conflict as problem:
        return show(customer_id, problem=problem.detail, status=problem.status)
    flash(_("Erased. The receipt is %(reference)s.", reference=reference), "success")
    return redirect(url_for("admin.customer_staff.list_all_customers"), 303)
