"""Who is there: the visitor of this request, and the doors that let only some of them through.

Strangers cost no statement; a member costs one, and only when somebody asks. Roles of JSON views are enforced here from their
description (``shop.web.api.describe``): what the API document says and what happens cannot differ.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import datetime, timedelta
from functools import wraps
from typing import Any, ParamSpec

from flask import Flask, Response, current_app, g, request, session
from flask.typing import ResponseReturnValue
from flask_babel import lazy_gettext as _l
from flask_login import AnonymousUserMixin, LoginManager, current_user
from sqlalchemy.exc import OperationalError

from shop.auth.models import Role
from shop.auth.queries import Visitor, find_visitor
from shop.auth.services import LoggedIn, log_out, note_visit, tell_others
from shop.clock import now
from shop.errors import Forbidden, NotLoggedIn
from shop.web.cookies import has_cookie

__all__ = ["Stranger", "Visitor", "current_user", "login_required", "require_role", "role_required"]

P = ParamSpec("P")
log = logging.getLogger(__name__)
SEEN_EVERY = timedelta(minutes=5)
REACH: dict[str, tuple[str, ...]] = {
    "customer": (Role.CUSTOMER, Role.STAFF, Role.ADMIN),
    "staff": (Role.STAFF, Role.ADMIN),
    "admin": (Role.ADMIN,),
}


class Stranger(AnonymousUserMixin):
    """Somebody who has not logged in: the same questions, all answered with no."""

    id = None
    login_session_id = None
    email = name = role = ""
    is_staff = is_admin = False


# Doors


def require_role(role: str) -> None:
    """Let nobody pass who has less than ``role`` ("customer", "staff", "admin").

    Raises:
        NotLoggedIn: nobody is logged in.
        Forbidden: somebody is, with less.
    """
    if not current_user.is_authenticated:
        raise NotLoggedIn(str(_l("Log in first, then try again.")))
    if current_user.role not in REACH[role]:
        raise Forbidden(str(_l("Your account may not do this. Ask somebody who runs the shop.")))


def role_required(role: str) -> Callable[[Callable[P, ResponseReturnValue]], Callable[P, ResponseReturnValue]]:
    """Decorate a view, HTML or JSON, for people with this role or more; see ``require_role``."""

    def decorate(view: Callable[P, ResponseReturnValue]) -> Callable[P, ResponseReturnValue]:
        @wraps(view)
        def guarded(*args: P.args, **kwargs: P.kwargs) -> ResponseReturnValue:
            require_role(role)
            return view(*args, **kwargs)

        guarded.required_role = role  # type: ignore[attr-defined]
        return guarded

    return decorate


login_required = role_required("customer")
"""Decorate a view for everybody who has logged in."""


def _check_described_role() -> None:
    """JSON views say their role in their description; this makes it true."""
    if request.endpoint and request.path.startswith("/api/"):
        description = getattr(current_app.view_functions[request.endpoint], "description", None)
        if description is not None and description.role:
            require_role(description.role)


# Coming and going


def enter(made: LoggedIn) -> None:
    """Somebody has come in: their token goes into the cookie, and other features hear of it."""
    adopt(made)
    tell_others(made.user_id, at=now())


def adopt(made: LoggedIn) -> None:
    """Put a new token into the visitor's cookie; ``current_user`` is whose it is from here on."""
    session.pop("csrf_token", None)
    session["_user_id"] = made.token
    session.permanent = True
    g._login_user = _load(made.token) or Stranger()  # noqa: SLF001 - where Flask-Login keeps the user of a request


def leave() -> None:
    """End the visitor's session, for every copy of its cookie, and forget what the cookie held."""
    if token := held_token():
        log_out(token, at=now())
    if has_cookie():
        session.clear()
    g._login_user = Stranger()  # noqa: SLF001


def held_token() -> str:
    """The token in the visitor's cookie, or ""."""
    return str(session.get("_user_id", "")) if has_cookie() else ""


def network() -> str:
    """Where the request comes from, as far as limits look: the IPv4 address, or the /64 that one IPv6 household has."""
    address = request.remote_addr or ""
    if ":" not in address:
        return address
    from ipaddress import IPv6Address, ip_network

    try:
        mapped = IPv6Address(address.partition("%")[0])
    except ValueError:
        return address[:64]
    return str(mapped.ipv4_mapped or ip_network((int(mapped), 64), strict=False))


def device() -> str:
    """What the browser calls itself, shortened."""
    return "".join(char for char in request.user_agent.string[:300] if char.isprintable())


def _load(token: str) -> Visitor | None:
    return find_visitor(token, at=now())


def _note_visit(response: Response) -> Response:
    """Every few minutes write down that this device is still in use; never on a page that caches may keep."""
    visitor = g.get("_login_user")
    if not isinstance(visitor, Visitor) or _is_public_view():
        return response
    at = now()
    if at - visitor.seen_at < SEEN_EVERY:
        return response
    _attempt_note(visitor.login_session_id, at)
    session.modified = True
    return response


def _attempt_note(login_session_id: int, at: datetime) -> None:
    try:
        note_visit(login_session_id, at=at, before=at - SEEN_EVERY)
    except OperationalError:
        log.warning("a visit was not noted: the database is busy")


def _is_public_view() -> bool:
    view: Any = current_app.view_functions.get(request.endpoint or "")
    return bool(g.get("is_public") or getattr(view, "is_public", False))


def init_app(app: Flask) -> None:
    """Teach Flask-Login our sessions. Not by its ``init_app``: that reads the session, and so the user, on every page."""
    manager = LoginManager()
    manager.session_protection = None
    manager.anonymous_user = Stranger
    manager.user_loader(_load)
    app.login_manager = manager  # type: ignore[attr-defined]
    app.before_request(_check_described_role)
    app.after_request(_note_visit)
