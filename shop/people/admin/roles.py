"""Roles: those that came with the shop to look at, its own to make, change and delete."""

from __future__ import annotations

from flask import Blueprint, flash, redirect, render_template, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

from shop.auth.current import current_user
from shop.auth.permissions import PERMISSIONS
from shop.auth.staff_services import change_role, create_role, delete_role
from shop.clock import now
from shop.errors import Conflict, Forbidden, Invalid
from shop.people.forms import NewRoleForm, PressForm, RoleForm
from shop.people.queries import get_role, list_roles
from shop.web.staff import StaffEntry, needs

staff = Blueprint("role_staff", __name__, url_prefix="/roles")
ENTRIES = [StaffEntry("admin.role_staff.list_all_roles", _l("Roles"), 95, icon="key", is_sub=True)]


@staff.get("")
@needs("roles.edit")
def list_all_roles() -> ResponseReturnValue:
    """All roles and what they may."""
    return render_template("people/admin/list_roles.html", roles=list_roles(), permissions=PERMISSIONS)


@staff.get("/new")
@needs("roles.edit")
def show_new_role() -> ResponseReturnValue:
    """The form of a new role."""
    return render_template("people/admin/show_role.html", form=NewRoleForm(formdata=None), role=None, press=None)


@staff.post("")
@needs("roles.edit")
def add_role() -> ResponseReturnValue:
    """Make a role."""
    form = NewRoleForm()
    if form.validate_on_submit():
        try:
            create_role(
                code=form.code.data,
                name=form.name.data,
                permissions=form.permissions.data or (),
                held=current_user.permissions,
                at=now(),
            )
        except (Invalid, Forbidden) as problem:
            form.form_errors += _words(problem)
        else:
            flash(_("The role is made."), "success")
            return redirect(url_for("admin.role_staff.show_role", code=form.code.data), 303)
    return render_template("people/admin/show_role.html", form=form, role=None, press=None), 422


def _words(problem: Invalid | Forbidden | Conflict) -> list[str]:
    return [str(text) for texts in problem.errors.values() for text in texts] if isinstance(problem, Invalid) else [problem.detail]


@staff.get("/<code>")
@needs("roles.edit")
def show_role(code: str) -> ResponseReturnValue:
    """One role."""
    return _show(code)


def _show(code: str, form: RoleForm | None = None, status: int = 200) -> ResponseReturnValue:
    role = get_role(code)
    form = form or RoleForm(formdata=None, data={"name": role.name, "permissions": list(role.permissions), "version": role.version})
    return render_template("people/admin/show_role.html", form=form, role=role, press=PressForm(formdata=None)), status


@staff.post("/<code>")
@needs("roles.edit")
def change_one_role(code: str) -> ResponseReturnValue:
    """Another name, other permissions."""
    get_role(code)
    form = RoleForm()
    if not form.validate_on_submit():
        return _show(code, form, 422)
    try:
        change_role(
            code,
            name=form.name.data,
            permissions=form.permissions.data or (),
            expected_version=form.version.data or 0,
            held=current_user.permissions,
            at=now(),
        )
    except (Invalid, Forbidden, Conflict) as problem:
        form.form_errors += _words(problem)
        return _show(code, form, problem.status)
    flash(_("Saved. It counts from everybody's next page on."), "success")
    return redirect(url_for("admin.role_staff.show_role", code=code), 303)


@staff.post("/<code>/deletion")
@needs("roles.edit")
def delete_one_role(code: str) -> ResponseReturnValue:
    """Delete a role that nobody has."""
    get_role(code)
    form = PressForm()
    if form.validate_on_submit():
        try:
            delete_role(code, at=now())
        except Conflict as problem:
            flash(problem.detail, "warning")
            return _show(code, status=409)
        flash(_("The role is deleted."), "success")
        return redirect(url_for("admin.role_staff.list_all_roles"), 303)
    return _show(code, status=422)
