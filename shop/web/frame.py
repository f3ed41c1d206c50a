"""The frame of every page, header and foot: rendered once for all strangers, since it differs from page to page by a few addresses only.

Those addresses stand in the kept text as private characters and are put in for each page. A visitor with a session gets a frame of their own.
"""

from __future__ import annotations

from typing import Any

from flask import Flask, current_app, g, request
from jinja2 import pass_context
from jinja2.runtime import Context
from markupsafe import Markup, escape

from shop.settings.queries import topic_version
from shop.web.context import alternate_paths
from shop.web.cookies import has_cookie

TOPICS = ("settings", "catalog", "content")
HERE = "\ue000"


def here_path() -> str:
    """The path of this page with the prefix of its language."""
    neutral: str | None = g.get("frame_here")
    return neutral or f"{request.script_root}{request.path}"


@pass_context
def frame_part(context: Context, name: str, *, marks_here: bool = False) -> Markup:
    """A part of the frame, such as ``_partials/site_header.html``; ``marks_here``: its first link to this page says that one is there."""
    template = current_app.jinja_env.get_template(name)
    if has_cookie() or current_app.debug:
        return Markup(template.render(context.get_all()))  # noqa: S704 - a template of ours
    memory: dict[Any, tuple[Any, str]] = current_app.extensions["frame"]
    paths = alternate_paths()
    key = (name, context["locale"], context["theme"], *paths)
    versions = tuple(topic_version(topic) for topic in TOPICS)
    known = memory.get(key)
    if known is None or known[0] != versions:
        known = memory[key] = (versions, _render_neutral(template, context, paths))
    return Markup(_put_in(known[1], paths, marks_here=marks_here))  # noqa: S704 - addresses are escaped


def _render_neutral(template: Any, context: Context, paths: dict[str, str]) -> str:
    before = g.get("alternate_paths")
    g.frame_here, g.alternate_paths = HERE, {locale: f"/{_token(locale)}" for locale in paths}
    try:
        return str(template.render(context.get_all()))
    finally:
        g.frame_here, g.alternate_paths = None, before


def _token(locale: str) -> str:
    return f"\ue001{locale}\ue002"


def _put_in(html: str, paths: dict[str, str], *, marks_here: bool) -> str:
    """Mark the link to this page in the menu, then name its addresses."""
    here = str(escape(here_path()))
    if marks_here:
        html = html.replace(f'<a href="{here}">', f'<a href="{here}" aria-current="page">', 1)
    for locale, path in paths.items():
        html = html.replace(_token(locale), str(escape(path.removeprefix("/"))))
    return html.replace(HERE, here)


def init_app(app: Flask) -> None:
    app.extensions["frame"] = {}
    app.jinja_env.globals.update(frame_part=frame_part, here_path=here_path)
