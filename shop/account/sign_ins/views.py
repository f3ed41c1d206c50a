"""The page of my accounts elsewhere."""

from __future__ import annotations

from flask import flash, redirect, render_template, session, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from shop.account import bp
from shop.account.forms import ButtonForm
from shop.account.security.proof import proof_required
from shop.auth.current import current_user, login_required, network
from shop.auth.oidc.discovery import ProviderAway, list_providers
from shop.auth.oidc.queries import list_identities
from shop.auth.oidc.services import LastWayIn, accept_offer, begin_sign_in, find_offer, unlink_identity
from shop.auth.oidc.visiting import OFFER, go_to, return_address
from shop.auth.tickets import LinkDead
from shop.clock import now
from shop.errors import Conflict, NotFound, TooManyTries
from shop.web.locale import current_locale

ANY_ID = "int(min=1, max=9223372036854775807)"


@bp.get("/account/security/sign-ins")
@login_required
def list_sign_ins() -> ResponseReturnValue:
    """What opens my account besides a password, and what was offered to be linked."""
    offer = find_offer(session.get(OFFER, ""), at=now())
    facts = {"identities": list_identities(current_user.id), "form": ButtonForm(formdata=None)}
    labels = {provider.name: provider.label for provider in list_providers()}
    mine = offer if offer is not None and offer.email == current_user.email else None
    return render_template("account/list_sign_ins.html", **facts, labels=labels, offer=mine)


@bp.post("/account/security/sign-ins/link")
@proof_required
def accept_sign_in() -> ResponseReturnValue:
    """Yes: link what was offered."""
    if ButtonForm().validate_on_submit():
        try:
            accept_offer(str(session.pop(OFFER, "")), user_id=current_user.id, email=current_user.email, at=now())
        except (LinkDead, Conflict) as problem:
            flash(problem.detail, "warning")
        else:
            flash(_("The two are linked: from now on you can come in both ways."), "good")
    return _back()


@bp.post("/account/security/sign-ins/with/<provider>")
@proof_required
def begin_sign_in_link(provider: str) -> ResponseReturnValue:
    """Go to a provider, to link the account there."""
    if not ButtonForm().validate_on_submit():
        return _back()
    facts = {"target": url_for("account.list_sign_ins"), "locale": current_locale(), "redirect_uri": return_address(provider)}
    try:
        return go_to(provider, begin_sign_in(provider, **facts, network=network(), user_id=current_user.id, at=now()))
    except (ProviderAway, TooManyTries) as problem:
        flash(problem.detail, "warning")
        return _back()


@bp.post(f"/account/security/sign-ins/<{ANY_ID}:identity_id>/removal")
@proof_required
def unlink_sign_in(identity_id: int) -> ResponseReturnValue:
    """It opens my account no more."""
    if ButtonForm().validate_on_submit():
        try:
            unlink_identity(identity_id, user_id=current_user.id)
        except (NotFound, LastWayIn) as problem:
            flash(problem.detail, "warning")
        else:
            flash(_("It opens your account no more."), "good")
    return _back()


def _back() -> ResponseReturnValue:
    return redirect(url_for("account.list_sign_ins"), 303)
