"""The pages about what guards my account."""

from __future__ import annotations

from flask import flash, make_response, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from shop.account import bp
from shop.account.forms import ButtonForm, EmailForm, ProofForm
from shop.account.security.forms import AppForm
from shop.account.security.picture import app_picture
from shop.account.security.proof import proof_required
from shop.auth.current import adopt, current_user, doorstep, login_required, network
from shop.auth.door import go_on
from shop.auth.forms import show_errors
from shop.auth.mailed.recovery import ask_for_new_email
from shop.auth.mailed.registration import ask_to_verify
from shop.auth.second.queries import find_begun_app, list_locks
from shop.auth.second.services import begin_app, confirm_app, remove_app, renew_codes
from shop.auth.services import prove_again
from shop.auth.sessions import Doorstep
from shop.clock import now
from shop.errors import IllegalMove, Invalid, TooManyTries
from shop.web.locale import current_locale
from shop.web.text import safe_next


@bp.get("/account/security")
@login_required
def show_security() -> ResponseReturnValue:
    """What guards my account."""
    return render_template("account/show_security.html", locks=list_locks(current_user.id), form=ButtonForm())


@bp.route("/account/proof", methods=["GET", "POST"])
@login_required
def prove() -> ResponseReturnValue:
    """My password once more."""
    form = ProofForm()
    target = safe_next(request.args.get("next", ""))
    facts = {"form": form, "target": target}
    if not form.validate_on_submit():
        return render_template("account/prove.html", **facts), 422 if form.is_submitted() else 200
    try:
        prove_again(current_user.login_session_id, email=current_user.email, password=form.password.data, network=network(), at=now())
    except Invalid as problem:
        show_errors(form, problem)
        return render_template("account/prove.html", **facts), 422
    except TooManyTries as problem:
        form.form_errors.append(problem.detail)
        response = make_response(render_template("account/prove.html", **facts), 429)
        response.headers["Retry-After"] = str(problem.extras["retry_after_s"])
        return response
    return go_on(target or url_for("account.show_security"))


# The address


@bp.route("/account/email", methods=["GET", "POST"])
@proof_required
def change_email() -> ResponseReturnValue:
    """Ask to move to another address."""
    form = EmailForm()
    if not form.validate_on_submit():
        return render_template("account/change_email.html", form=form), 422 if form.is_submitted() else 200
    try:
        ask_for_new_email(current_user.id, email=form.email.data, locale=current_locale(), at=now())
    except TooManyTries as problem:
        form.form_errors.append(problem.detail)
        return render_template("account/change_email.html", form=form), 429
    flash(_("Look into the mail of the new address, and open the link while you are logged in here."), "good")
    return redirect(url_for("account.show_profile"), 303)


@bp.post("/account/email/verification")
@login_required
def ask_for_verification() -> ResponseReturnValue:
    """A mail that shows that my address is mine."""
    if ButtonForm().validate_on_submit():
        try:
            ask_to_verify(current_user.id, email=current_user.email, locale=current_locale(), at=now())
        except TooManyTries as problem:
            flash(problem.detail, "warning")
        else:
            flash(_("We wrote to you. Open the link in the mail."), "good")
    return redirect(url_for("account.show_profile"), 303)


# The app


@bp.post("/account/security/app")
@proof_required
def set_up_app() -> ResponseReturnValue:
    """Make a key for an app, and show it."""
    if ButtonForm().validate_on_submit():
        try:
            begin_app(current_user.id, at=now())
        except IllegalMove as problem:
            flash(problem.detail, "warning")
            return redirect(url_for("account.show_security"), 303)
    return redirect(url_for("account.show_app"), 303)


@bp.get("/account/security/app")
@proof_required
def show_app() -> ResponseReturnValue:
    """The key as a picture and as letters, and the box for its first code."""
    return _app_page(AppForm(formdata=None), 200)


@bp.post("/account/security/app/confirmation")
@proof_required
def switch_app_on() -> ResponseReturnValue:
    """The first code is right: the app counts from now on."""
    form = AppForm()
    if not form.validate_on_submit():
        return _app_page(form, 422)
    try:
        made, codes = confirm_app(current_user.id, code=form.code.data, step=_same_step(), at=now())
    except Invalid as problem:
        show_errors(form, problem)
        return _app_page(form, 422)
    except TooManyTries as problem:
        form.form_errors.append(problem.detail)
        return _app_page(form, 429)
    adopt(made)
    if codes:
        return _codes_page(codes)
    flash(_("Your app is set up. All other devices are logged out."), "good")
    return redirect(url_for("account.show_security"), 303)


@bp.post("/account/security/app/removal")
@proof_required
def switch_app_off() -> ResponseReturnValue:
    """Without the app."""
    if ButtonForm().validate_on_submit():
        adopt(remove_app(current_user.id, step=_same_step(), at=now()))
        flash(_("The app is removed. All other devices are logged out."), "good")
    return redirect(url_for("account.show_security"), 303)


@bp.post("/account/security/codes")
@proof_required
def make_codes() -> ResponseReturnValue:
    """Ten new recovery codes."""
    if not ButtonForm().validate_on_submit():
        return redirect(url_for("account.show_security"), 303)
    return _codes_page(renew_codes(current_user.id))


def _app_page(form: AppForm, status: int) -> ResponseReturnValue:
    salt = find_begun_app(current_user.id)
    if not salt:
        return redirect(url_for("account.show_security"), 303)
    picture, letters = app_picture(salt, email=current_user.email)
    return render_template("account/show_app.html", form=form, picture=picture, letters=letters), status


def _codes_page(codes: list[str]) -> ResponseReturnValue:
    """Shown in the answer itself: they are kept nowhere from which a second page could read them."""
    return render_template("account/show_codes.html", codes=codes)


def _same_step() -> Doorstep:
    return doorstep(is_remembered=current_user.is_remembered)
