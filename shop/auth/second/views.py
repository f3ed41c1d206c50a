"""The page of the second step, and logging in by a passkey."""

from __future__ import annotations

from flask import flash, redirect, session, url_for
from flask.typing import ResponseReturnValue

from shop.auth import bp, tickets
from shop.auth.current import doorstep, enter
from shop.auth.door import door_page, go_on
from shop.auth.forms import show_errors
from shop.auth.models import TicketKind
from shop.auth.second.forms import CodeForm, PasskeyForm
from shop.auth.second.passkeys import PasskeyRefused, log_in_by_passkey
from shop.auth.second.queries import list_methods
from shop.auth.second.services import finish_log_in
from shop.clock import now
from shop.errors import Invalid, TooManyTries
from shop.web.json import BadJson, parse


@bp.route("/login/code", methods=["GET", "POST"])
def second_step() -> ResponseReturnValue:
    """After the password: six digits, a recovery code or a passkey."""
    held = session.get("second_step") or {}
    ticket = tickets.find_ticket(str(held.get("ticket", "")), TicketKind.SECOND_STEP, at=now())
    if ticket is None:
        session.pop("second_step", None)
        return redirect(url_for("auth.login"), 303)
    form = CodeForm()
    facts = {"methods": list_methods(ticket.user_id), "ticket": held["ticket"], "passkey": PasskeyForm(formdata=None)}
    if not form.is_submitted():
        return door_page("auth/second_step.html", form, 200, **facts)
    if not form.validate():
        return door_page("auth/second_step.html", form, 422, **facts)
    try:
        enter(finish_log_in(held["ticket"], code=form.code.data, step=doorstep(), at=now()))
    except Invalid as problem:
        show_errors(form, problem)
        return door_page("auth/second_step.html", form, 422, **facts)
    except TooManyTries as problem:
        return door_page("auth/second_step.html", form, 429, problem, **facts)
    session.pop("second_step", None)
    return go_on(held.get("next"))


@bp.post("/login/passkey")
def log_in_with_passkey() -> ResponseReturnValue:
    """By a passkey alone."""
    form = PasskeyForm()
    if _signed(form, ticket=""):
        return go_on(form.next.data)
    return redirect(url_for("auth.login", next=form.next.data or None), 303)


@bp.post("/login/code/passkey")
def second_step_with_passkey() -> ResponseReturnValue:
    """A passkey as the second step."""
    held = session.get("second_step") or {}
    if not _signed(PasskeyForm(), ticket=str(held.get("ticket", "-"))):
        return redirect(url_for("auth.second_step"), 303)
    session.pop("second_step", None)
    return go_on(held.get("next"))


def _signed(form: PasskeyForm, *, ticket: str) -> bool:
    """Did the passkey let its owner in? If not, the page says so."""
    if not form.validate():
        flash(" ".join(map(str, form.credential.errors)), "warning")
        return False
    try:
        enter(log_in_by_passkey(parse(form.credential.data.encode()), ticket=ticket, step=doorstep(), at=now()))
    except (PasskeyRefused, tickets.LinkDead, Invalid, BadJson) as problem:
        flash(problem.detail or str(PasskeyRefused.title), "warning")
        return False
    return True
