"""Accounts: who can log in, with which role, on which devices; locking them, giving roles, logging out, sending a link for a new password."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from flask import Blueprint, flash, redirect, render_template, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

from shop.account.devices import name_device
from shop.auth.current import current_user, network
from shop.auth.mailed.recovery import ask_to_reset
from shop.auth.permissions import CUSTOMER
from shop.auth.queries import list_devices
from shop.auth.staff_services import change_user, create_user, give_role, lock_user, log_out_user, unlock_user
from shop.clock import now
from shop.errors import Conflict, Forbidden, Invalid, StaleVersion, TooManyTries
from shop.people.forms import NewUserForm, PersonForm, PressForm, RoleGift
from shop.people.queries import find_customer_of, get_user, list_roles, list_users
from shop.web.fields import FlagText, Text
from shop.web.lists import Filters, here_with, load_filters, view_of
from shop.web.staff import StaffEntry, needs

staff = Blueprint("user_staff", __name__, url_prefix="/users")
ENTRIES = [StaffEntry("admin.user_staff.list_all_users", _l("Accounts"), 94, icon="users")]


class UserFilters(Filters):
    """``?q=ana@&role=support&locked=1``."""

    role = Text(maximum=40, load_default="")
    locked = FlagText(load_default=False)


@staff.get("")
@needs("users.edit")
def list_all_users() -> ResponseReturnValue:
    """Everybody who can log in, newest first."""
    chosen = load_filters(UserFilters())
    page = list_users(search=chosen["q"], role=chosen["role"], locked=chosen["locked"], cursor=chosen["cursor"])
    roles = list_roles()
    views = [
        view_of(_("All")),
        view_of(_("Locked"), locked=1),
        *(view_of(role.name, role=role.code) for role in roles if role.code != CUSTOMER),
    ]
    names = {role.code: role.name for role in roles}
    return render_template("people/admin/list_users.html", page=page, views=views, chosen=chosen, here_with=here_with, names=names)


@staff.get("/new")
@needs("users.edit")
def show_new_user() -> ResponseReturnValue:
    """The form of a new account."""
    return _new(NewUserForm(formdata=None, data={"role": CUSTOMER}), 200)


def _new(form: NewUserForm, status: int) -> ResponseReturnValue:
    form.offer()
    return render_template("people/admin/show_new_user.html", form=form), status


@staff.post("")
@needs("users.edit")
def add_user() -> ResponseReturnValue:
    """Make an account, and send its owner a link to choose a password."""
    form = NewUserForm()
    form.offer()
    if not form.validate_on_submit():
        return _new(form, 422)
    values = {name: form[name].data for name in ("email", "name", "role", "locale")}
    try:
        user_id = create_user(**values, held=current_user.permissions, at=now())
    except (Invalid, Forbidden) as problem:
        form.form_errors += _words(problem)
        return _new(form, problem.status)
    _send_link(values["email"], values["locale"])
    return redirect(url_for("admin.user_staff.show_user", user_id=user_id), 303)


def _words(problem: Any) -> list[str]:
    return [str(text) for texts in problem.errors.values() for text in texts] if isinstance(problem, Invalid) else [problem.detail]


def _send_link(email: str, locale: str) -> None:
    try:
        ask_to_reset(email=email, network=network(), locale=locale, at=now())
    except TooManyTries as problem:
        flash(problem.detail, "warning")
    else:
        flash(_("A link to choose a new password is on its way to %(email)s.", email=email), "success")


@staff.get("/<int:user_id>")
@needs("users.edit")
def show_user(user_id: int) -> ResponseReturnValue:
    """One account."""
    return _show(user_id)


def _show(user_id: int, *, form: PersonForm | None = None, problem: str = "", status: int = 200) -> ResponseReturnValue:
    user = get_user(user_id)
    form = form or PersonForm(formdata=None, data={"name": user.name, "locale": user.locale, "version": user.version})
    gift = RoleGift(formdata=None, data={"role": user.role})
    form.offer()
    gift.offer()
    page = render_template(
        "people/admin/show_user.html",
        person=user,
        devices=list_devices(user_id, at=now()),
        name_device=name_device,
        customer_id=find_customer_of(user_id),
        form=form,
        gift=gift,
        press=PressForm(formdata=None),
        problem=problem,
    )
    return page, status


@staff.post("/<int:user_id>")
@needs("users.edit")
def change_one_user(user_id: int) -> ResponseReturnValue:
    """Another name or language."""
    get_user(user_id)
    form = PersonForm()
    form.offer()
    if not form.validate_on_submit():
        return _show(user_id, form=form, status=422)
    try:
        change_user(
            user_id,
            name=form.name.data,
            locale=form.locale.data,
            expected_version=form.version.data or 0,
            held=current_user.permissions,
            at=now(),
        )
    except (StaleVersion, Forbidden) as problem:
        return _show(user_id, problem=problem.detail, status=problem.status)
    flash(_("Saved."), "success")
    return _back(user_id)


def _back(user_id: int) -> ResponseReturnValue:
    return redirect(url_for("admin.user_staff.show_user", user_id=user_id), 303)


def _press(user_id: int, verb: Callable[..., object], done: str) -> ResponseReturnValue:
    """One button about an account."""
    get_user(user_id)
    if not PressForm().validate_on_submit():
        return _show(user_id, problem=_("The page was open too long. Press again."), status=422)
    try:
        verb(user_id, held=current_user.permissions, at=now())
    except (Conflict, Forbidden) as problem:
        return _show(user_id, problem=problem.detail, status=problem.status)
    flash(done, "success")
    return _back(user_id)


@staff.post("/<int:user_id>/lock")
@needs("users.edit")
def lock_one_user(user_id: int) -> ResponseReturnValue:
    """Keep somebody out."""
    return _press(user_id, lock_user, _("The account is locked, everywhere and at once."))


@staff.post("/<int:user_id>/unlock")
@needs("users.edit")
def unlock_one_user(user_id: int) -> ResponseReturnValue:
    """Let somebody in again."""
    return _press(user_id, unlock_user, _("The account is open again."))


@staff.post("/<int:user_id>/logout")
@needs("users.edit")
def log_out_one_user(user_id: int) -> ResponseReturnValue:
    """End all log-ins of somebody."""
    return _press(user_id, log_out_user, _("All devices are logged out."))


@staff.post("/<int:user_id>/role")
@needs("roles.edit")
def give_one_role(user_id: int) -> ResponseReturnValue:
    """Give somebody a role."""
    get_user(user_id)
    form = RoleGift()
    form.offer()
    if not form.validate_on_submit():
        return _show(user_id, problem=_("Choose one of the roles, and press again."), status=422)
    try:
        give_role(user_id, form.role.data, held=current_user.permissions, at=now())
    except (Conflict, Forbidden) as problem:
        return _show(user_id, problem=problem.detail, status=problem.status)
    flash(_("The role counts now. All devices were logged out."), "success")
    return _back(user_id)


@staff.post("/<int:user_id>/reset")
@needs("users.edit")
def send_reset(user_id: int) -> ResponseReturnValue:
    """Send somebody a link to choose a new password."""
    user = get_user(user_id)
    if not PressForm().validate_on_submit():
        return _show(user_id, problem=_("The page was open too long. Press again."), status=422)
    _send_link(user.email, user.locale)
    return _back(user_id)
