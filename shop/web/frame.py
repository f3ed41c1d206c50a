"""The frame of every page, header and foot: rendered once for all strangers, since it differs from page to page by a few addresses only.

Those addresses stand in the kept text as private characters and are put in for each page. A guest with a session shares the frame with all whose
cart shows as many pieces; a frame that looked into the session while it was rendered is theirs alone. Members always get a frame of their own.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, cast

from flask import Flask, current_app, g, request, session
from flask.sessions import SessionMixin
from jinja2 import pass_context
from jinja2.runtime import Context
from markupsafe import Markup, escape

from shop.settings.queries import topic_version
from shop.web.context import alternate_paths, user
from shop.web.cookies import has_cookie
from shop.web.memory import Memory

TOPICS = ("settings", "catalog", "content")
HERE = "\ue000"
FRAMES_MOST = 256


def here_path() -> str:
    """The path of this page with the prefix of its language."""
    neutral: str | None = g.get("frame_here")
    return neutral or f"{request.script_root}{request.path}"


@pass_context
def frame_part(context: Context, name: str, *, marks_here: bool = False) -> Markup:
    """A part of the frame, such as ``_partials/site_header.html``; ``marks_here``: its first link to this page says that one is there."""
    template = current_app.jinja_env.get_template(name)
    facts = _visitor_facts()
    if facts is None or current_app.debug:
        return Markup(template.render(context.get_all()))  # noqa: S704 - a template of ours
    memory: Memory = current_app.extensions["frame"]
    paths = alternate_paths()
    key = (name, context["locale"], context["theme"], facts, *paths)
    versions = tuple(topic_version(topic) for topic in TOPICS)
    known = memory.get(key)
    if known is None or known[0] != versions:
        html, is_shared = _render_watched(template, context, paths)
        known = (versions, html)
        if is_shared:
            memory.put(key, known)
    return Markup(_put_in(known[1], paths, marks_here=marks_here))  # noqa: S704 - addresses are escaped


def show_in_frame(app: Flask, fact: Callable[[], Any]) -> None:
    """Say what the frame shows of a guest, such as how many pieces are in the cart; called once by a feature's ``init_app``."""
    app.extensions.setdefault("frame_facts", []).append(fact)


def _visitor_facts() -> tuple[Any, ...] | None:
    """All that the frame shows of this visitor; None for members, of whom it may show anything."""
    if not has_cookie():
        return ()
    if user() is not None:
        return None
    return tuple(fact() for fact in current_app.extensions.get("frame_facts", ()))


def _render_watched(template: Any, context: Context, paths: dict[str, str]) -> tuple[str, bool]:
    """The neutral text, and whether it is the same for all: nothing in it came from the session (a theme of the merchant's may well look there)."""
    if not has_cookie():
        return _render_neutral(template, context.get_all(), paths), True
    own = cast("SessionMixin", session._get_current_object())  # type: ignore[attr-defined]  # noqa: SLF001 - the proxy's way to what it stands for
    own.accessed = False
    html = _render_neutral(template, {**context.get_all(), "session": session}, paths)
    looked, own.accessed = own.accessed, True
    return html, not looked


def _render_neutral(template: Any, context: dict[str, Any], paths: dict[str, str]) -> str:
    before = g.get("alternate_paths")
    g.frame_here, g.alternate_paths = HERE, {locale: f"/{_token(locale)}" for locale in paths}
    try:
        return str(template.render(context))
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
    app.extensions["frame"] = Memory(FRAMES_MOST)
    app.jinja_env.globals.update(frame_part=frame_part, here_path=here_path)
