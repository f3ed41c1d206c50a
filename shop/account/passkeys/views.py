"""The pages of my passkeys. Adding one needs a script: no browser makes them otherwise."""

from __future__ import annotations

from flask import abort, flash, redirect, render_template, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from shop.account import bp
from shop.account.devices import name_device
from shop.account.forms import ButtonForm
from shop.account.security.forms import NewPasskeyForm, PasskeyNameForm
from shop.account.security.proof import proof_required
from shop.account.views import ANY_ID
from shop.auth.current import adopt, current_user, device, doorstep, login_required
from shop.auth.second.passkeys import add_passkey, remove_passkey, rename_passkey
from shop.auth.second.queries import list_passkeys
from shop.auth.tickets import LinkDead
from shop.clock import now
from shop.errors import Invalid
from shop.web.json import BadJson, parse


@bp.post("/account/security/passkeys")
@proof_required
def save_passkey() -> ResponseReturnValue:
    """What the browser made."""
    form = NewPasskeyForm()
    if not form.validate_on_submit():
        flash(_("Your browser sent nothing. Try again."), "warning")
        return redirect(url_for("account.show_security"), 303)
    step = doorstep(is_remembered=current_user.is_remembered)
    try:
        made, codes = add_passkey(
            current_user.id, parse(form.credential.data.encode()), name=name_device(device())[:60], step=step, at=now()
        )
    except (Invalid, LinkDead, BadJson):
        flash(_("That did not work. Try again."), "warning")
        return redirect(url_for("account.show_security"), 303)
    adopt(made)
    if codes:
        return render_template("account/show_codes.html", codes=codes)
    flash(_("Your passkey is added. All other devices are logged out."), "good")
    return redirect(url_for("account.show_security"), 303)


@bp.route(f"/account/security/passkeys/<{ANY_ID}:passkey_id>", methods=["GET", "POST"])
@login_required
def show_passkey(passkey_id: int) -> ResponseReturnValue:
    """Call it something else."""
    passkey = next((found for found in list_passkeys(current_user.id) if found.id == passkey_id), None)
    if passkey is None:
        abort(404)
    form = PasskeyNameForm(name=passkey.name)
    if not form.validate_on_submit():
        return render_template("account/show_passkey.html", form=form, passkey=passkey), 422 if form.is_submitted() else 200
    rename_passkey(passkey_id, user_id=current_user.id, name=form.name.data)
    flash(_("Your passkey has a new name."), "good")
    return redirect(url_for("account.show_security"), 303)


@bp.post(f"/account/security/passkeys/<{ANY_ID}:passkey_id>/removal")
@proof_required
def drop_passkey(passkey_id: int) -> ResponseReturnValue:
    """It lets nobody in any more."""
    if ButtonForm().validate_on_submit():
        step = doorstep(is_remembered=current_user.is_remembered)
        adopt(remove_passkey(passkey_id, user_id=current_user.id, step=step, at=now()))
        flash(_("The passkey is removed. All other devices are logged out."), "good")
    return redirect(url_for("account.show_security"), 303)
