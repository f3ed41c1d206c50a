"""The pages of somebody who is logged in."""

from __future__ import annotations

from flask import flash, make_response, redirect, render_template, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from shop.account import bp
from shop.account.devices import name_device
from shop.account.forms import ButtonForm, PasswordForm, ProfileForm
from shop.auth.current import adopt, current_user, device, login_required, network
from shop.auth.forms import show_errors
from shop.auth.queries import list_devices
from shop.auth.services import change_password, end_login_session, end_other_sessions, rename_user
from shop.clock import now
from shop.errors import Invalid, NotFound, TooManyTries
from shop.web.fields import ShopForm

ANY_ID = "int(min=1, max=9223372036854775807)"


@bp.get("/account")
@login_required
def show_account() -> ResponseReturnValue:
    """My orders."""
    return render_template("account/show_account.html")


# Profile


@bp.route("/account/profile", methods=["GET", "POST"])
@login_required
def show_profile() -> ResponseReturnValue:
    """My name, and the way to a new password."""
    form = ProfileForm(name=current_user.name)
    if not form.is_submitted():
        return _profile(form, PasswordForm(formdata=None), 200)
    if not form.validate():
        return _profile(form, PasswordForm(formdata=None), 422)
    rename_user(current_user.id, name=form.name.data)
    flash(_("Your profile is saved."), "good")
    return redirect(url_for("account.show_profile"), 303)


@bp.post("/account/password")
@login_required
def set_password() -> ResponseReturnValue:
    """A new password; every other device is logged out."""
    form = PasswordForm()
    if not form.validate_on_submit():
        return _profile(ProfileForm(formdata=None, name=current_user.name), form, 422)
    try:
        made = change_password(
            email=current_user.email,
            current=form.current.data,
            new=form.new.data,
            network=network(),
            device=device(),
            at=now(),
        )
    except Invalid as problem:
        show_errors(form, problem)
        return _profile(ProfileForm(formdata=None, name=current_user.name), form, 422)
    except TooManyTries as problem:
        form.form_errors.append(problem.detail)
        response = make_response(_profile(ProfileForm(formdata=None, name=current_user.name), form, 429))
        response.headers["Retry-After"] = str(problem.extras["retry_after_s"])
        return response
    adopt(made)
    flash(_("Your new password is set. All other devices are logged out."), "good")
    return redirect(url_for("account.show_profile"), 303)


def _profile(form: ProfileForm, password_form: PasswordForm, status: int) -> ResponseReturnValue:
    return render_template("account/show_profile.html", form=form, password_form=password_form), status


# Devices


@bp.get("/account/devices")
@login_required
def list_my_devices() -> ResponseReturnValue:
    """Where I am logged in."""
    devices = list_devices(current_user.id, at=now())
    return render_template("account/list_my_devices.html", devices=devices, name_device=name_device, form=ButtonForm())


@bp.post(f"/account/devices/<{ANY_ID}:login_session_id>/logout")
@login_required
def log_out_device(login_session_id: int) -> ResponseReturnValue:
    """Log out there."""
    if _is_meant(ButtonForm()):
        try:
            end_login_session(login_session_id, user_id=current_user.id, at=now())
        except NotFound as problem:
            flash(problem.detail, "warning")
        else:
            flash(_("That device is logged out."), "good")
    return redirect(url_for("account.list_my_devices"), 303)


@bp.post("/account/devices/logout")
@login_required
def log_out_others() -> ResponseReturnValue:
    """Log out everywhere but here."""
    if _is_meant(ButtonForm()):
        end_other_sessions(user_id=current_user.id, but=current_user.login_session_id, at=now())
        flash(_("All other devices are logged out."), "good")
    return redirect(url_for("account.list_my_devices"), 303)


def _is_meant(form: ShopForm) -> bool:
    """Does the button carry the token of this session? If not, nothing happens and the page says so."""
    if form.validate_on_submit():
        return True
    flash(_("The page was out of date, so nothing was done. Please press the button again."), "warning")
    return False
