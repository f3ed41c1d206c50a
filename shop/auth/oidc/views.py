"""The way to a provider and back. The cookie holds the state: an answer counts once, in the browser that asked."""

from __future__ import annotations

from flask import flash, make_response, redirect, render_template, request, session, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from shop.auth import bp
from shop.auth.current import current_user, doorstep, enter, network
from shop.auth.door import ask_second_step, go_on
from shop.auth.forms import DoorForm
from shop.auth.oidc.discovery import ProviderAway, SignInRefused
from shop.auth.oidc.services import AddressNeeded, Arrival, LogInToLink, arrive, begin_sign_in, link_identity, sign_in
from shop.auth.oidc.visiting import OFFER, go_to, return_address, take_state
from shop.auth.second.services import SecondFactorNeeded
from shop.auth.services import AccountLocked
from shop.clock import now
from shop.errors import Conflict, ShopError, TooManyTries
from shop.web.locale import current_locale
from shop.web.text import safe_next


@bp.post("/login/with/<provider>")
def begin_with(provider: str) -> ResponseReturnValue:
    """Go to the provider."""
    facts = {"target": safe_next(DoorForm().next.data or ""), "locale": current_locale(), "redirect_uri": return_address(provider)}
    try:
        return go_to(provider, begin_sign_in(provider, **facts, network=network(), user_id=None, at=now()))
    except (ProviderAway, TooManyTries) as problem:
        return _refused(problem)


@bp.get("/login/with/<provider>/return")
def return_from_provider(provider: str) -> ResponseReturnValue:
    """Back again: come in, link, or be told why not."""
    answer, held_state = request.args.to_dict(), take_state()
    try:
        arrival = arrive(provider, answer, held_state=held_state, redirect_uri=return_address(provider), network=network(), at=now())
        return _link(arrival) if arrival.user_id is not None else _come_in(arrival)
    except SecondFactorNeeded as problem:
        return ask_second_step(problem.extras["ticket"], arrival.target)
    except LogInToLink as problem:
        session[OFFER] = problem.extras["ticket"]
        flash(f"{_(problem.title)}. {problem.detail}", "warning")
        return redirect(url_for("auth.login", next=url_for("account.list_sign_ins")), 303)
    except (SignInRefused, ProviderAway, AccountLocked, AddressNeeded) as problem:
        return _refused(problem)


def _come_in(arrival: Arrival) -> ResponseReturnValue:
    enter(sign_in(arrival.person, doorstep(), locale=arrival.locale, at=now()))
    return go_on(arrival.target)


def _link(arrival: Arrival) -> ResponseReturnValue:
    """Whoever began this must still be who is logged in."""
    if arrival.user_id != current_user.id:
        raise SignInRefused(_("You logged out meanwhile, so nothing was linked. Log in and try again."))
    try:
        link_identity(arrival.person, user_id=current_user.id, at=now())
    except Conflict as problem:
        flash(problem.detail, "warning")
    else:
        flash(_("The two are linked: from now on you can come in both ways."), "good")
    return go_on(arrival.target)


def _refused(problem: ShopError) -> ResponseReturnValue:
    response = make_response(render_template("auth/sign_in_refused.html", problem=problem), problem.status)
    if "retry_after_s" in problem.extras:
        response.headers["Retry-After"] = str(problem.extras["retry_after_s"])
    return response
