"""The pages around a link in a mail: register, confirm, a forgotten password, another address.

A link leads to ``/links/<token>``, which puts the token into the cookie and goes on to a page whose address holds nothing secret.
"""

from __future__ import annotations

from flask import flash, redirect, request, session, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from shop.auth import bp, tickets
from shop.auth.current import current_user, doorstep, enter, login_required, network
from shop.auth.door import door_page, go_on
from shop.auth.forms import show_errors
from shop.auth.mailed.forms import ButtonForm, ConfirmForm, ForgottenForm, RegisterForm, ResetForm
from shop.auth.mailed.recovery import ask_to_reset, confirm_new_email, reset_password
from shop.auth.mailed.registration import AlreadyMember, ask_to_register, confirm_registration, verify_email, write_again
from shop.auth.models import TicketKind
from shop.clock import now
from shop.errors import Invalid, TooManyTries
from shop.web.locale import current_locale
from shop.web.text import safe_next

PAGES = {
    TicketKind.REGISTRATION: "auth.confirm_registered",
    TicketKind.VERIFICATION: "auth.confirm_address",
    TicketKind.NEW_EMAIL: "auth.confirm_address",
    TicketKind.RESET: "auth.choose_password",
}


@bp.get("/links/<token>")
def open_link(token: str) -> ResponseReturnValue:
    """A link from a mail: to the page that it is for. Nothing is done yet."""
    ticket = tickets.get_ticket(token, *PAGES, at=now())
    session["link"] = token
    answer = redirect(url_for(PAGES[ticket.kind]), 303)
    answer.headers["Referrer-Policy"] = "no-referrer"
    return answer


# Registering


@bp.route("/register", methods=["GET", "POST"])
def register() -> ResponseReturnValue:
    """Ask for an account; the rest is in the mail."""
    form = RegisterForm()
    if not form.is_submitted():
        form.next.data = safe_next(request.args.get("next", ""))
        return door_page("auth/register.html", form, 200)
    if not form.validate():
        return door_page("auth/register.html", form, 422)
    try:
        session["registration"] = ask_to_register(
            email=form.email.data,
            name=form.name.data,
            password=form.password.data,
            locale=current_locale(),
            go_on=safe_next(form.next.data or ""),
            network=network(),
            at=now(),
        )
    except Invalid as problem:
        show_errors(form, problem)
        return door_page("auth/register.html", form, 422)
    except TooManyTries as problem:
        return door_page("auth/register.html", form, 429, problem)
    return redirect(url_for("auth.registered"), 303)


@bp.get("/register/mail")
def registered() -> ResponseReturnValue:
    """Look into your mail."""
    ticket = tickets.find_by_salt(str(session.get("registration", "")), TicketKind.REGISTRATION, at=now())
    if ticket is None:
        return redirect(url_for("auth.register"), 303)
    return door_page("auth/registered.html", ButtonForm(formdata=None), 200, email=ticket.email)


@bp.post("/register/mail")
def register_again() -> ResponseReturnValue:
    """The mail once more."""
    try:
        session["registration"] = write_again(str(session.get("registration", "")), network=network(), at=now())
    except tickets.LinkDead:
        return redirect(url_for("auth.register"), 303)
    except TooManyTries as problem:
        flash(problem.detail, "warning")
    else:
        flash(_("We wrote once more. The link in the newest mail works."), "good")
    return redirect(url_for("auth.registered"), 303)


@bp.route("/register/confirmation", methods=["GET", "POST"])
def confirm_registered() -> ResponseReturnValue:
    """The button that makes the account; in another browser than the one that registered, with the password."""
    token, salt = _held_link(), str(session.get("registration", ""))
    ticket = tickets.get_ticket(token, TicketKind.REGISTRATION, at=now())
    form = ButtonForm() if ticket.salt == salt else ConfirmForm()
    facts = {"email": ticket.email}
    if not form.is_submitted():
        return door_page("auth/confirm_registered.html", form, 200, **facts)
    if not form.validate():
        return door_page("auth/confirm_registered.html", form, 422, **facts)
    try:
        password = form.password.data if isinstance(form, ConfirmForm) else ""
        enter(confirm_registration(token, password=password, salt=salt, step=doorstep(), at=now()))
    except Invalid as problem:
        show_errors(form, problem)
        return door_page("auth/confirm_registered.html", form, 422, **facts)
    except TooManyTries as problem:
        return door_page("auth/confirm_registered.html", form, 429, problem, **facts)
    except AlreadyMember as problem:
        flash(problem.detail, "warning")
        return redirect(url_for("auth.login"), 303)
    _forget_link("registration")
    flash(_("Welcome, %(name)s. Your account is ready.", name=current_user.name), "good")
    return go_on(ticket.wanted.get("go_on"))


# A forgotten password


@bp.route("/forgotten", methods=["GET", "POST"])
def forgotten() -> ResponseReturnValue:
    """Ask for a link to choose a new password."""
    form = ForgottenForm()
    if not form.is_submitted():
        return door_page("auth/forgotten.html", form, 200, is_sent=False)
    if not form.validate():
        return door_page("auth/forgotten.html", form, 422, is_sent=False)
    try:
        ask_to_reset(email=form.email.data, network=network(), locale=current_locale(), at=now())
    except TooManyTries as problem:
        return door_page("auth/forgotten.html", form, 429, problem, is_sent=False)
    return door_page("auth/forgotten.html", form, 200, is_sent=True)


@bp.route("/password", methods=["GET", "POST"])
def choose_password() -> ResponseReturnValue:
    """Choose a new password; then log in with it."""
    token = _held_link()
    ticket = tickets.get_ticket(token, TicketKind.RESET, at=now())
    form = ResetForm()
    if not form.is_submitted():
        return door_page("auth/choose_password.html", form, 200, email=ticket.email)
    if not form.validate():
        return door_page("auth/choose_password.html", form, 422, email=ticket.email)
    try:
        reset_password(token, new=form.new.data, at=now())
    except Invalid as problem:
        show_errors(form, problem)
        return door_page("auth/choose_password.html", form, 422, email=ticket.email)
    _forget_link()
    flash(_("Your new password is set, and you are logged out everywhere. Log in with it."), "good")
    return redirect(url_for("auth.login"), 303)


# An address that is shown to be one's own


@bp.route("/account/address-confirmation", methods=["GET", "POST"])
@login_required
def confirm_address() -> ResponseReturnValue:
    """The button that makes an address count, for whoever is logged in and asked for it."""
    token = _held_link()
    ticket = tickets.get_ticket(token, TicketKind.NEW_EMAIL, TicketKind.VERIFICATION, at=now())
    form = ButtonForm()
    if not form.is_submitted():
        return door_page("auth/confirm_address.html", form, 200, email=ticket.email)
    if ticket.kind == TicketKind.VERIFICATION:
        verify_email(token, user_id=current_user.id, at=now())
    else:
        step = doorstep(is_remembered=current_user.is_remembered)
        enter(confirm_new_email(token, user_id=current_user.id, step=step, has_second_factor=current_user.has_second_factor, at=now()))
    _forget_link()
    flash(_("Your address is confirmed."), "good")
    return redirect(url_for("account.show_profile"), 303)


def _held_link() -> str:
    return str(session.get("link", ""))


def _forget_link(*also: str) -> None:
    for name in ("link", *also):
        session.pop(name, None)
