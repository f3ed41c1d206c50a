"""Keys for programs, for staff: which there are, a new one, taking one back."""

from __future__ import annotations

from flask import Blueprint, flash, redirect, render_template, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

from shop.auth.current import current_user, is_proven
from shop.auth.keys.forms import KeyForm, RevokeForm, key_form
from shop.auth.keys.queries import list_keys as list_all
from shop.auth.keys.services import NewKey, create_key, revoke_key
from shop.clock import now
from shop.errors import Invalid, NotFound
from shop.web.staff import StaffEntry, needs

staff = Blueprint("key_staff", __name__, url_prefix="/programs")
ENTRIES = [StaffEntry("admin.key_staff.list_keys", _l("Keys for programs"), 91, icon="lock")]
MAY = "keys.edit"


@staff.get("")
@needs(MAY)
def list_keys() -> ResponseReturnValue:
    """Every key, and the form of a new one."""
    return _page(key_form(current_user.permissions, fresh=True))


@staff.post("")
@needs(MAY)
def add_key() -> ResponseReturnValue:
    """A new key, shown in this answer and never again; for who showed a moment ago who they are."""
    form = key_form(current_user.permissions)
    if not is_proven():
        return _page(form, status=403)
    if not form.validate_on_submit():
        return _page(form, status=422)
    wanted = {"name": form.name.data, "permissions": form.permissions.data or [], "days": form.days.data}
    try:
        made = create_key(**wanted, by=current_user.id, may=current_user.permissions, at=now())
    except Invalid as problem:
        form.show_errors(problem)
        return _page(form, status=422)
    return _page(key_form(current_user.permissions, fresh=True), made=made)


@staff.post("/<int(min=1, max=9223372036854775807):key_id>/revocation")
@needs(MAY)
def revoke_one_key(key_id: int) -> ResponseReturnValue:
    """Nobody takes it any more."""
    if RevokeForm().validate_on_submit():
        try:
            revoke_key(key_id, at=now())
        except NotFound as problem:
            flash(problem.detail, "warning")
        else:
            flash(_("The key is taken back. Whoever shows it is turned away."), "success")
    return redirect(url_for("admin.key_staff.list_keys"), 303)


def _page(form: KeyForm, *, made: NewKey | None = None, status: int = 200) -> ResponseReturnValue:
    facts = {
        "form": form,
        "made": made,
        "keys": list_all(),
        "revoke_form": RevokeForm(formdata=None),
        "at": now(),
        "is_proven": is_proven(),
    }
    return render_template("auth/admin/list_keys.html", **facts), status
