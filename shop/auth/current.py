"""Who is there: the visitor of this request, and the doors that let only some of them through.

Strangers cost no statement; a member costs one, and only when somebody asks. What JSON views need is enforced here from their
description (``shop.web.api.describe``): what the API document says and what happens cannot differ.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import timedelta
from functools import wraps
from typing import Any, ParamSpec

from flask import Flask, Response, current_app, g, request, session
from flask.typing import ResponseReturnValue
from flask_babel import lazy_gettext as _l
from flask_login import AnonymousUserMixin, LoginManager, current_user
from sqlalchemy.exc import OperationalError

from shop.auth.keys.queries import find_program
from shop.auth.keys.services import looks_like_key, note_use
from shop.auth.limits import api_key, count_try
from shop.auth.queries import Visitor, find_visitor
from shop.auth.services import tell_others
from shop.auth.sessions import Doorstep, LoggedIn, log_out, note_visit
from shop.auth.tokens.services import find_bearer
from shop.clock import now
from shop.errors import N_, Forbidden, NotLoggedIn
from shop.trail.services import Act, announce
from shop.web.bearer import is_bearer, shown_token
from shop.web.context import add_context
from shop.web.cookies import has_cookie
from shop.web.csrf import SAFE

__all__ = ["Stranger", "Visitor", "current_user", "login_required", "require_permission", "require_staff"]

P = ParamSpec("P")
log = logging.getLogger(__name__)
SEEN_EVERY = timedelta(minutes=5)
PROVEN_FOR = timedelta(minutes=15)
# Here a program asks for a token: one that ran out, and that its client still sends along, is no reason to turn it away.
WITHOUT_TOKEN = {"auth.make_tokens_json", "auth.refresh_tokens_json"}


class ProofNeeded(Forbidden):
    """Somebody is logged in for a while, and must show who they are once more before this."""

    slug, title = "proof-needed", N_("Show once more who you are")


class SecondFactorRequired(Forbidden):
    """Somebody works here, and may do nothing before a second factor is shown."""

    slug, title = "second-factor-required", N_("People who work here need a second factor")


class Stranger(AnonymousUserMixin):
    """Somebody who has not logged in: the same questions, all answered with no."""

    id = None
    login_session_id = None
    email = name = role = ""
    is_staff = is_admin = is_held_back = has_second_factor = False
    permissions: frozenset[str] = frozenset()

    def may(self, permission: str) -> bool:  # noqa: ARG002
        return False


# Doors


def require_login() -> None:
    """Let no stranger pass.

    Raises:
        NotLoggedIn: nobody is logged in.
    """
    if not current_user.is_authenticated:
        raise NotLoggedIn(str(_l("Log in first, then try again.")))


def require_staff() -> None:
    """Let nobody pass who does not work here.

    Raises:
        NotLoggedIn: nobody is logged in.
        Forbidden: somebody is, who may do nothing in the back office.
    """
    require_login()
    _let_nobody_pass_held_back()
    if not current_user.is_staff:
        raise Forbidden(str(_l("Your account may not do this. Ask somebody who runs the shop.")))


def require_permission(permission: str) -> None:
    """Let nobody pass whose role lacks this permission.

    Raises:
        NotLoggedIn: nobody is logged in.
        Forbidden: somebody is, who may not do this.
    """
    require_login()
    _let_nobody_pass_held_back()
    if not current_user.may(permission):
        raise Forbidden(str(_l("Your account may not do this. Ask somebody who runs the shop.")))


def _let_nobody_pass_held_back() -> None:
    if current_user.is_held_back:
        raise SecondFactorRequired(str(_l("Set up an app or a passkey in your account, under Security. Then come back.")))


def is_proven() -> bool:
    """Did the visitor show a moment ago who they are?"""
    return now() - current_user.proved_at < PROVEN_FOR


def require_proof() -> None:
    """Let nobody pass who only found a device on which somebody is logged in.

    Raises:
        NotLoggedIn: nobody is logged in.
        ProofNeeded: somebody is, since a while.
    """
    require_login()
    if not is_proven():
        raise ProofNeeded(str(_l("Give your password once more, then try again.")))


def login_required(view: Callable[P, ResponseReturnValue]) -> Callable[P, ResponseReturnValue]:
    """Decorate a view for everybody who has logged in."""

    @wraps(view)
    def guarded(*args: P.args, **kwargs: P.kwargs) -> ResponseReturnValue:
        require_login()
        return view(*args, **kwargs)

    return guarded


def _check_description() -> None:
    """JSON views say in their description who may; this makes it true."""
    if request.endpoint and request.path.startswith("/api/"):
        description = getattr(current_app.view_functions[request.endpoint], "description", None)
        if description is not None and description.permission:
            require_permission(description.permission)
            announce_act(description.permission)
        elif description is not None and description.role:
            require_login()


def announce_act(permission: str) -> None:
    """Somebody of the staff was let through to do something: the transaction that does it writes it down."""
    if request.method in SAFE:
        return
    who = current_user
    announce(
        Act(
            getattr(who, "acts_as", who.email),
            who.role,
            permission,
            request.endpoint or "",
            _subject(request.view_args or {}),
            network(),
            g.request_id,
            at=now(),
        )
    )


def _subject(view_args: dict[str, Any]) -> str:
    """What the address speaks of: ``order:B-7QX2``, ``product:7``; "" where nothing is there yet."""
    for name, value in view_args.items():
        return f"{'order' if name == 'number' else name.removesuffix('_id')}:{value}"[:120]
    return ""


# Coming and going


def enter(made: LoggedIn) -> None:
    """Somebody has come in: their token goes into the cookie, and other features hear of it."""
    adopt(made)
    tell_others(made.user_id, at=now())


def adopt(made: LoggedIn) -> None:
    """Put a new token into the visitor's cookie; ``current_user`` is whose it is from here on."""
    session.pop("csrf_token", None)
    session["_user_id"] = made.token
    session.permanent = made.is_remembered
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


def doorstep(*, is_remembered: bool = False) -> Doorstep:
    """Where the visitor of this request stands."""
    return Doorstep(network(), device(), held_token(), is_remembered)


def _slow_down() -> None:
    """Programs may ask often, not endlessly: counted before anything is looked up for them."""
    if request.path.startswith("/api/"):
        count_try(api_key(network()), at=now())


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
    return find_visitor(token, at=now(), staff_needs_second_factor=current_app.extensions["config"].staff_second_factor)


def _hear_token() -> None:
    """A program that shows a token or key is who that says, whatever cookie its client sends along.

    Raises:
        BadToken: it is not taken.
        Forbidden: it is the key of a program, and this is for people.
    """
    if not is_bearer() or request.endpoint in WITHOUT_TOKEN:
        return
    token, at = shown_token(), now()
    if looks_like_key(token):
        program = find_program(token, at=at)
        _attempt(lambda: note_use(program, network=network(), at=at))
        g._login_user = program if _is_for_programs() else Stranger()  # noqa: SLF001
    else:
        held_back = current_app.extensions["config"].staff_second_factor
        g._login_user = find_bearer(token, at=at, staff_needs_second_factor=held_back)  # noqa: SLF001


def _is_for_programs() -> bool:
    """Keys do what their permissions say; what belongs to a person they neither see nor change."""
    description = getattr(current_app.view_functions.get(request.endpoint or ""), "description", None)
    if description is not None and description.role == "customer":
        raise Forbidden(str(_l("A key is for what staff do. This is for people: log in, or use a token.")))
    return description is not None and bool(description.permission)


def _note_visit(response: Response) -> Response:
    """Every few minutes write down that this device is still in use; never on a page that caches may keep."""
    visitor = g.get("_login_user")
    if not isinstance(visitor, Visitor) or _is_public_view():
        return response
    at = now()
    if at - visitor.seen_at < SEEN_EVERY:
        return response
    _attempt(lambda: note_visit(visitor.login_session_id, at=at, before=at - SEEN_EVERY))
    session.modified = True
    return response


def _attempt(note: Callable[[], None]) -> None:
    try:
        note()
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
    add_context(app, may=lambda permission: has_cookie() and current_user.may(permission))
    app.login_manager = manager  # type: ignore[attr-defined]
    app.before_request(_slow_down)
    app.before_request(_hear_token)
    app.before_request(_check_description)
    app.after_request(_note_visit)
