"""The few pages that belong to no feature: the theme switch, and what a problem means."""

from __future__ import annotations

from collections.abc import Iterator
from http import HTTPStatus

from flask import abort, make_response, redirect, render_template, request
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from shop import errors
from shop.web import bp
from shop.web.context import THEMES
from shop.web.errors import slug_of
from shop.web.pages import public_page
from shop.web.text import safe_next

ONE_YEAR_S = 31_536_000


@bp.post("/theme")
def set_theme() -> ResponseReturnValue:
    """Remember day, night or automatic, and go back."""
    theme = request.form.get("theme", "")
    if theme not in THEMES:
        abort(422)
    response = make_response(redirect(safe_next(request.form.get("next", "")) or f"{request.script_root}/", 303))
    if theme == "auto":
        response.delete_cookie("theme")
    else:
        response.set_cookie("theme", theme, max_age=ONE_YEAR_S, samesite="Lax", httponly=True, secure=request.is_secure)
    return response


@bp.get("/problems/<slug>")
@public_page
def show_problem(slug: str) -> ResponseReturnValue:
    """What an error of the API means and what to do about it."""
    found = next((kind for kind in _kinds(errors.ShopError) if kind.slug == slug), None)
    if found is not None:
        return render_template("web/show_problem.html", title=_(found.title), meaning=(found.__doc__ or "").strip(), status=found.status)
    plain = next((status for status in HTTPStatus if status >= HTTPStatus.BAD_REQUEST and slug_of(status) == slug), None)
    if plain is None:
        abort(404)
    return render_template("web/show_problem.html", title=plain.phrase, meaning=plain.description or plain.phrase, status=plain.value)


def _kinds(kind: type[errors.ShopError]) -> Iterator[type[errors.ShopError]]:
    yield kind
    for child in kind.__subclasses__():
        yield from _kinds(child)
