"""The one door of the back office: whatever lies under ``/admin`` is for staff, page or not, by whichever blueprint it was made."""

from __future__ import annotations

from flask import current_app, flash, g, redirect, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

from shop.auth.current import announce_act, current_user, require_login, require_permission, require_staff
from shop.errors import Forbidden


def guard() -> ResponseReturnValue | None:
    """Deny by default, also where no page is: strangers are asked to log in, customers are turned away; who lacks a second factor gets one first.

    Behind it errors are shown within the back office.

    Raises:
        NotLoggedIn: nobody is logged in.
        Forbidden: somebody is, who does not work here or whose role lacks what the page needs; or the page does not say what it needs.
    """
    if request.path == "/admin" or request.path.startswith("/admin/"):
        require_login()
        if current_user.is_held_back:
            flash(_("People who work here need a second factor. Set one up, then go on."), "warning")
            return redirect(url_for("account.show_security"), 303)
        require_staff()
        g.error_page = "admin/show_error.html"
        if request.endpoint:
            _require_what_it_needs(request.endpoint)
    return None


def _require_what_it_needs(endpoint: str) -> None:
    """A page that names no permission is nobody's: that is a mistake in the shop's code, and not one to be generous about."""
    permission = getattr(current_app.view_functions.get(endpoint), "permission", "")
    if not permission:
        raise Forbidden(str(_l("This page does not say who may open it, so nobody may.")))
    require_permission(permission)
    announce_act(permission)
