"""The only place that turns an error into an answer: a page for people, problem+json for programs."""

from __future__ import annotations

import logging
from http import HTTPStatus
from typing import Any
from urllib.parse import urlsplit

from flask import Flask, Response, current_app, g, make_response, redirect, render_template, request, url_for
from flask_babel import gettext as _
from sqlalchemy.exc import OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from werkzeug.exceptions import HTTPException, InternalServerError

from shop.errors import BadToken, Invalid, NotLoggedIn, NotNow, ShopError
from shop.observe import count
from shop.observe.figures import BUGS
from shop.web.json import problem
from shop.web.text import host_of

log = logging.getLogger(__name__)
KEPT_HEADERS = ("Allow", "Retry-After", "WWW-Authenticate", "Location")
BACK_IN_S = 5
PAGES = {400, 403, 404, 405, 409, 413, 415, 422, 429, 500, 503}


def wants_json() -> bool:
    """Programs get JSON: under ``/api/``, or when they ask for it."""
    if request.path.startswith("/api/"):
        return True
    best = request.accept_mimetypes.best_match(["text/html", "application/json", "application/problem+json"], default="text/html")
    return best != "text/html"


def init_app(app: Flask) -> None:
    app.register_error_handler(ShopError, _answer_shop_error)
    app.register_error_handler(HTTPException, _answer_http_error)
    app.register_error_handler(Exception, _answer_bug)


def _answer_shop_error(error: ShopError) -> Response:
    if wants_json():
        extras = dict(error.extras)
        if isinstance(error, Invalid):
            extras["errors"] = [{"pointer": pointer, "detail": " ".join(map(str, details))} for pointer, details in error.errors.items()]
        response = problem(error.status, error.slug, error.title, error.detail, **extras)
    elif isinstance(error, NotLoggedIn):
        response = make_response(redirect(url_for("auth.login", next=_page_to_come_back_to() or None), 303))
    else:
        response = _page(error.status, _(error.title), error.detail)
    if response.status_code == 401:
        response.headers["WWW-Authenticate"] = challenge(error)
    if "retry_after_s" in error.extras:
        response.headers["Retry-After"] = str(error.extras["retry_after_s"])
    return response


def challenge(error: ShopError) -> str:
    """How to say who one is. Source: RFC 6750, section 3."""
    return 'Bearer realm="shop"' + (', error="invalid_token"' if isinstance(error, BadToken) else "")


def _page_to_come_back_to() -> str:
    """Where to go on after logging in: the page that was asked for, or the one whose form was sent."""
    if request.method in {"GET", "HEAD"}:
        return request.script_root + request.full_path.rstrip("?")
    return urlsplit(request.referrer).path if request.referrer and host_of(request.referrer) == request.host else ""


def _answer_http_error(error: HTTPException) -> Response:
    if isinstance(error, InternalServerError):
        return _answer_bug(error.original_exception or error)
    status = error.code or 500
    if error.response is not None or status < 400:
        return make_response(error.get_response())
    if wants_json():
        known = HTTPStatus(status)
        response = problem(status, slug_of(known), known.phrase, error.description or "")
    else:
        response = _page(status, "", "")
    for name, value in error.get_headers():
        if name in KEPT_HEADERS:
            response.headers[name] = value
    return response


def slug_of(status: HTTPStatus) -> str:
    """The name of an error that has none of its own: ``method-not-allowed``."""
    return status.phrase.lower().replace(" ", "-").replace("'", "")


def _answer_bug(error: BaseException) -> Response:
    """Something that we did not foresee: no details for the caller, no database, everything in the log."""
    if current_app.testing and current_app.config.get("PROPAGATE_EXCEPTIONS"):
        raise error
    log.error("a bug in %s", request.endpoint or "-", exc_info=error)
    count(BUGS, request.endpoint or "-")
    g.is_public = False
    if isinstance(error, OperationalError | PoolTimeout):
        return _answer_database_gone()
    if wants_json():
        return problem(500, slug_of(HTTPStatus.INTERNAL_SERVER_ERROR), "Something broke on our side", request_id=g.get("request_id", ""))
    return make_response(render_standalone(500), 500)


def _answer_database_gone() -> Response:
    """The database is away, full or overrun: nothing was half done, and soon it may be there again."""
    if wants_json():
        response = problem(NotNow.status, NotNow.slug, NotNow.title, request_id=g.get("request_id", ""))
    else:
        response = make_response(render_standalone(503), 503)
    response.headers["Retry-After"] = str(BACK_IN_S)
    return response


def _page(status: int, title: str, detail: str) -> Response:
    template = g.get("error_page") or (f"errors/{status}.html" if status in PAGES else "errors/400.html")
    try:
        return make_response(render_template(template, title=title, detail=detail, status=status), status)
    except Exception:
        log.exception("the error page failed")
        return make_response(render_standalone(status), status)


def render_standalone(status: int) -> str:
    """A page that needs neither database nor session: for when those are what broke."""
    template = current_app.jinja_env.get_template("errors/500.html")
    context: dict[str, Any] = {
        "request_id": g.get("request_id", ""),
        "status": status,
        "stylesheet": current_app.extensions["assets"].url("css/site.css"),
    }
    return template.render(context)
