"""What the pages at the door share: how they answer, where one goes on, and what the cookie holds on the way."""

from __future__ import annotations

from flask import make_response, redirect, render_template, session, url_for
from flask.typing import ResponseReturnValue

from shop.auth.forms import DoorForm
from shop.errors import ShopError
from shop.web.text import safe_next


def door_page(template: str, form: DoorForm, status: int, problem: ShopError | None = None, **facts: object) -> ResponseReturnValue:
    """The page with what was typed, and what was wrong with it. Nobody else may learn its address: it can stand for a link in a mail."""
    response = make_response(render_template(template, form=form, problem=problem, **facts), status)
    if problem and "retry_after_s" in problem.extras:
        response.headers["Retry-After"] = str(problem.extras["retry_after_s"])
    response.headers["Referrer-Policy"] = "same-origin"
    return response


def go_on(target: str | None) -> ResponseReturnValue:
    """To where one wanted to, else to the account."""
    return redirect(safe_next(target or "") or url_for("account.show_account"), 303)


def ask_second_step(ticket: str, target: str) -> ResponseReturnValue:
    """To the page of the second step. The cookie carries the ticket: no address holds it."""
    session["second_step"] = {"ticket": ticket, "next": target}
    return redirect(url_for("auth.second_step"), 303)
