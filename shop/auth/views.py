"""The pages at the door: log in, log out. Registering is in ``mailed.views``, the second step in ``second.views``."""

from __future__ import annotations

from flask import flash, redirect, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from shop.auth import bp
from shop.auth.current import doorstep, enter, leave
from shop.auth.door import ask_second_step, door_page, go_on
from shop.auth.forms import LoginForm
from shop.auth.second.forms import PasskeyForm
from shop.auth.second.services import SecondFactorNeeded
from shop.auth.services import AccountLocked, WrongPassword, log_in
from shop.clock import now
from shop.errors import TooManyTries
from shop.web.text import safe_next


@bp.route("/login", methods=["GET", "POST"])
def login() -> ResponseReturnValue:
    """Come in, and go on to where one wanted to."""
    form = LoginForm()
    if not form.is_submitted():
        form.next.data = safe_next(request.args.get("next", ""))
        return door_page("auth/login.html", form, 200, passkey=PasskeyForm(formdata=None))
    if not form.validate():
        return door_page("auth/login.html", form, 422, passkey=PasskeyForm(formdata=None))
    step = doorstep(is_remembered=form.is_remembered.data)
    try:
        enter(log_in(email=form.email.data, password=form.password.data, step=step, at=now()))
    except SecondFactorNeeded as problem:
        return ask_second_step(problem.extras["ticket"], safe_next(form.next.data or ""))
    except (WrongPassword, AccountLocked) as problem:
        return door_page("auth/login.html", form, 422, problem, passkey=PasskeyForm(formdata=None))
    except TooManyTries as problem:
        return door_page("auth/login.html", form, 429, problem, passkey=PasskeyForm(formdata=None))
    return go_on(form.next.data)


@bp.post("/logout")
def logout() -> ResponseReturnValue:
    """Go; the session ends for every copy of its cookie."""
    leave()
    flash(_("You are logged out. Come back soon."), "good")
    return redirect(url_for("content.home"), 303)
