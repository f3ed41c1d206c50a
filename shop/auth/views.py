"""The pages at the door: register, log in, log out."""

from __future__ import annotations

from flask import flash, make_response, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from shop.auth import bp
from shop.auth.current import current_user, device, enter, held_token, leave, network
from shop.auth.forms import DoorForm, LoginForm, RegisterForm, show_errors
from shop.auth.services import AccountLocked, WrongPassword, log_in, register_user
from shop.clock import now
from shop.errors import Invalid, ShopError, TooManyTries
from shop.web.locale import current_locale
from shop.web.text import safe_next


@bp.route("/login", methods=["GET", "POST"])
def login() -> ResponseReturnValue:
    """Come in, and go on to where one wanted to."""
    form = LoginForm()
    if not form.is_submitted():
        form.next.data = safe_next(request.args.get("next", ""))
        return _page("auth/login.html", form, 200)
    if not form.validate():
        return _page("auth/login.html", form, 422)
    try:
        enter(
            log_in(email=form.email.data, password=form.password.data, network=network(), device=device(), old_token=held_token(), at=now())
        )
    except (WrongPassword, AccountLocked) as problem:
        return _page("auth/login.html", form, 422, problem)
    except TooManyTries as problem:
        return _page("auth/login.html", form, 429, problem)
    return _go_on(form)


@bp.route("/register", methods=["GET", "POST"])
def register() -> ResponseReturnValue:
    """Make an account and be logged in."""
    form = RegisterForm()
    if not form.is_submitted():
        form.next.data = safe_next(request.args.get("next", ""))
        return _page("auth/register.html", form, 200)
    if not form.validate():
        return _page("auth/register.html", form, 422)
    try:
        made = register_user(
            email=form.email.data,
            name=form.name.data,
            password=form.password.data,
            locale=current_locale(),
            network=network(),
            device=device(),
            old_token=held_token(),
            at=now(),
        )
    except Invalid as problem:
        show_errors(form, problem)
        return _page("auth/register.html", form, 422)
    except TooManyTries as problem:
        return _page("auth/register.html", form, 429, problem)
    enter(made)
    flash(_("Welcome, %(name)s. Your account is ready.", name=current_user.name), "good")
    return _go_on(form)


@bp.post("/logout")
def logout() -> ResponseReturnValue:
    """Go; the session ends for every copy of its cookie."""
    leave()
    flash(_("You are logged out. Come back soon."), "good")
    return redirect(url_for("content.home"), 303)


def _page(template: str, form: DoorForm, status: int, problem: ShopError | None = None) -> ResponseReturnValue:
    response = make_response(render_template(template, form=form, problem=problem), status)
    if problem and "retry_after_s" in problem.extras:
        response.headers["Retry-After"] = str(problem.extras["retry_after_s"])
    return response


def _go_on(form: DoorForm) -> ResponseReturnValue:
    return redirect(safe_next(form.next.data or "") or url_for("account.show_account"), 303)
