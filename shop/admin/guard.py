"""The one door of the back office: whatever lies under ``/admin`` is for staff, page or not, by whichever blueprint it was made."""

from __future__ import annotations

from flask import g, request

from shop.auth.current import require_role


def guard() -> None:
    """Deny by default, also where no page is: strangers are asked to log in, customers are turned away.

    Behind it errors are shown within the back office.

    Raises:
        NotLoggedIn: nobody is logged in.
        Forbidden: somebody is, who does not work here.
    """
    if request.path == "/admin" or request.path.startswith("/admin/"):
        require_role("staff")
        g.error_page = "admin/show_error.html"
