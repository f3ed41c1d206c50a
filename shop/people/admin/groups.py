"""Groups of customers: which there are, who is in them, in and out."""

from __future__ import annotations

from flask import Blueprint, flash, redirect, render_template, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

from shop.clock import now
from shop.customer.groups import add_to_group, count_members, create_group, get_group, list_members, remove_from_group
from shop.errors import Invalid, NotFound
from shop.people.forms import GroupForm, MemberForm, PressForm
from shop.web.lists import Filters, here_with, load_filters
from shop.web.staff import StaffEntry, needs

staff = Blueprint("group_staff", __name__, url_prefix="/customer-groups")
ENTRIES = [StaffEntry("admin.group_staff.list_customer_groups", _l("Groups"), 31, icon="users", is_sub=True)]


@staff.get("")
@needs("customers.edit")
def list_customer_groups() -> ResponseReturnValue:
    """All groups."""
    return _list(GroupForm(formdata=None))


def _list(form: GroupForm, status: int = 200) -> ResponseReturnValue:
    return render_template("people/admin/list_groups.html", groups=count_members(), form=form), status


@staff.post("")
@needs("customers.edit")
def add_group() -> ResponseReturnValue:
    """Make a group."""
    form = GroupForm()
    if not form.validate_on_submit():
        return _list(form, 422)
    try:
        create_group(form.code.data or "", form.name.data or "", at=now())
    except Invalid as problem:
        form.code.errors = [str(text) for texts in problem.errors.values() for text in texts]
        return _list(form, 422)
    return redirect(url_for("admin.group_staff.show_group", code=form.code.data), 303)


@staff.get("/<code>")
@needs("customers.edit")
def show_group(code: str) -> ResponseReturnValue:
    """Who is in a group."""
    return _show(code, MemberForm(formdata=None))


def _show(code: str, form: MemberForm, status: int = 200) -> ResponseReturnValue:
    chosen = load_filters(Filters())
    group, page = get_group(code), list_members(code, cursor=chosen["cursor"])
    press = PressForm(formdata=None)
    return render_template(
        "people/admin/show_group.html", group=group, page=page, form=form, press=press, here_with=here_with, cursor=chosen["cursor"]
    ), status


@staff.post("/<code>/members")
@needs("customers.edit")
def add_member(code: str) -> ResponseReturnValue:
    """Put somebody in."""
    get_group(code)
    form = MemberForm()
    if not form.validate_on_submit():
        return _show(code, form, 422)
    try:
        add_to_group(code, form.email.data or "", at=now())
    except NotFound as problem:
        form.email.errors = [problem.detail]
        return _show(code, form, 422)
    flash(_("They are in the group."), "success")
    return redirect(url_for("admin.group_staff.show_group", code=code), 303)


@staff.post("/<code>/members/<email>/removal")
@needs("customers.edit")
def remove_member(code: str, email: str) -> ResponseReturnValue:
    """Take somebody out."""
    if not PressForm().validate_on_submit():
        return _show(code, MemberForm(formdata=None), 422)
    remove_from_group(code, email, at=now())
    flash(_("They are no longer in the group."), "success")
    return redirect(url_for("admin.group_staff.show_group", code=code), 303)
