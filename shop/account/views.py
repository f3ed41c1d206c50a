"""The pages of somebody who is logged in."""

from __future__ import annotations

from flask import current_app, flash, make_response, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from shop.account import bp
from shop.account.devices import name_device
from shop.account.forms import AddressForm, ButtonForm, PasswordForm, ProfileForm, address_form
from shop.account.queries import SavedAddress, get_saved_address, list_pictures, list_saved_addresses
from shop.account.services import BookFull, add_address, change_address, choose_default_address, delete_address
from shop.account.states import say_money, say_state
from shop.auth.current import adopt, current_user, doorstep, login_required
from shop.auth.forms import show_errors
from shop.auth.queries import list_devices
from shop.auth.services import change_password, rename_user
from shop.auth.sessions import end_login_session, end_other_sessions
from shop.clock import now
from shop.customer.addresses import address_lines, all_countries
from shop.customer.values import AddressValues
from shop.errors import Invalid, NotFound, TooManyTries
from shop.order.lists import list_orders
from shop.web.fields import ShopForm
from shop.web.locale import current_locale

ORDERS_SHOWN = 10
ANY_ID = "int(min=1, max=9223372036854775807)"


@bp.get("/account")
@login_required
def show_account() -> ResponseReturnValue:
    """My orders."""
    orders = list_orders(current_user.id, limit=ORDERS_SHOWN, cursor=request.args.get("cursor"))
    pictures = list_pictures([order.id for order in orders.items])
    return render_template("account/show_account.html", orders=orders, pictures=pictures, say_state=say_state, say_money=say_money)


# Addresses


@bp.get("/account/addresses")
@login_required
def list_addresses() -> ResponseReturnValue:
    """My address book."""
    found = list_saved_addresses(current_user.id)
    lines = {address.id: address_lines(address.values, current_locale()) for address in found}
    return render_template("account/list_addresses.html", addresses=found, lines=lines, form=ButtonForm())


@bp.route("/account/addresses/new", methods=["GET", "POST"])
@login_required
def new_address() -> ResponseReturnValue:
    """Write an address into the book."""
    form = _address_form(None)
    values = _judge(form)
    if values is None:
        return _address_page(form)
    try:
        add_address(
            values,
            user_id=current_user.id,
            email=current_user.email,
            locale=current_locale(),
            is_default=form.is_default.data,
            at=now(),
        )
    except BookFull as problem:
        form.form_errors.append(problem.detail)
        return _address_page(form)
    flash(_("The address is in your book."), "good")
    return redirect(url_for("account.list_addresses"), 303)


@bp.route(f"/account/addresses/<{ANY_ID}:address_id>", methods=["GET", "POST"])
@login_required
def show_address(address_id: int) -> ResponseReturnValue:
    """Change an address."""
    saved = get_saved_address(address_id, user_id=current_user.id)
    form = _address_form(saved)
    values = _judge(form)
    if values is None:
        return _address_page(form)
    change_address(address_id, values, user_id=current_user.id, is_default=form.is_default.data)
    flash(_("The address is changed. Orders that you placed keep the old one."), "good")
    return redirect(url_for("account.list_addresses"), 303)


@bp.post(f"/account/addresses/<{ANY_ID}:address_id>/deletion")
@login_required
def remove_address(address_id: int) -> ResponseReturnValue:
    """Take an address out of the book."""
    if _is_meant(ButtonForm()):
        delete_address(address_id, user_id=current_user.id)
        flash(_("The address is deleted. Orders that you placed keep it."), "good")
    return redirect(url_for("account.list_addresses"), 303)


@bp.post(f"/account/addresses/<{ANY_ID}:address_id>/default")
@login_required
def set_default_address(address_id: int) -> ResponseReturnValue:
    """Make an address the usual one."""
    if _is_meant(ButtonForm()):
        choose_default_address(address_id, user_id=current_user.id)
        flash(_("That is your usual address now."), "good")
    return redirect(url_for("account.list_addresses"), 303)


def _address_form(saved: SavedAddress | None) -> AddressForm:
    """The form in the shape of the country that was chosen, else of the saved address, else of the shop."""
    country = request.form.get("country", "")
    if country not in all_countries():
        country = saved.values.country if saved else current_app.extensions["config"].country
    if saved is None:
        return address_form(country, locale=current_locale())
    return address_form(country, locale=current_locale(), saved=saved.values, is_default=saved.is_default)


def _judge(form: AddressForm) -> AddressValues | None:
    """The address when it was sent and is right. Who only asked for another country's fields gets them without a word of blame."""
    if not form.is_submitted() or "other_country" in request.form:
        return None
    is_from_here = form.validate()
    values = form.values()
    return values if is_from_here else None


def _address_page(form: AddressForm) -> ResponseReturnValue:
    is_wrong = bool(form.form_errors) or any(field.errors for field in form)
    return render_template("account/show_address.html", form=form), 422 if is_wrong else 200


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
            step=doorstep(is_remembered=current_user.is_remembered),
            has_second_factor=current_user.has_second_factor,
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
