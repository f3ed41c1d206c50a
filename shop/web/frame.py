"""The frame of every page, header and foot: rendered once for all strangers, since it differs from page to page by a few addresses only.

Those addresses stand in the kept text as private characters and are put in for each page. A guest with a session shares the frame with all whose
cart shows as many pieces; a frame that looked at the visitor while it was rendered is theirs alone. Members always get a frame of their own.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, NamedTuple

from flask import Flask, current_app, g, request, session
from markupsafe import Markup, escape

from shop.cache import this_cache
from shop.cache.rooms import Made, Room
from shop.settings.queries import topic_versions
from shop.web.context import alternate_paths, chosen_theme, user
from shop.web.cookies import has_cookie, watched
from shop.web.locale import current_locale

TOPICS = ("settings", "catalog", "content")
HERE = "\ue000".encode()
ADDRESSES = re.compile("(\ue000|\ue001[^\ue002]*\ue002)")
FRAMES_MOST = 256


class FramePart(NamedTuple):
    """A template such as ``_partials/site_header.html``; ``marks_here``: its first link to the page says that one is there."""

    template: str
    marks_here: bool = False


def here_path() -> str:
    """The path of this page with the prefix of its language."""
    neutral: str | None = g.get("frame_here")
    return neutral or f"{request.script_root}{request.path}"


def frame_part(template: str, *, marks_here: bool = False) -> Markup:
    """For layouts: a part of the frame. A page that is rendered to be kept gets a gap there, which is filled for each visitor."""
    part = FramePart(template, marks_here)
    gap: Callable[[Any], Markup] | None = g.get("gap")
    if gap is not None:
        return gap(part)
    return Markup(find_frame([part], alternate_paths())[0].decode())  # noqa: S704 - a template of ours


def show_in_frame(app: Flask, fact: Callable[[], Any]) -> None:
    """Say what the frame shows of a guest, such as how many pieces are in the cart; called once by a feature's ``init_app``."""
    app.extensions.setdefault("frame_facts", []).append(fact)


def find_frame(parts: list[FramePart], paths: dict[str, str]) -> list[bytes]:
    """The parts as this visitor sees them on this page, which stands at ``paths`` in each language."""
    if current_app.debug or (has_cookie() and user() is not None):  # of members the frame may show anything
        return [_render(part.template).encode() for part in parts]
    room: Room[list[bytes]] = this_cache().room("frame", FRAMES_MOST)
    page = (current_locale(), chosen_theme(), _guest_facts(), *paths)
    versions = topic_versions(TOPICS)
    here = escape(here_path()).encode()
    addresses = {HERE: here, **{_token(locale): escape(path[1:]).encode() for locale, path in paths.items()}}
    found = []
    for part in parts:
        pieces = room.fetch((part.template, *page), versions, lambda part=part: _make_neutral(part.template, paths))  # type: ignore[misc]
        html = b"".join([addresses.get(piece, piece) for piece in pieces])
        found.append(html.replace(b'<a href="%s">' % here, b'<a href="%s" aria-current="page">' % here, 1) if part.marks_here else html)
    return found


def _guest_facts() -> tuple[Any, ...]:
    """All that the frame shows of a guest; nothing of strangers."""
    return tuple([fact() for fact in current_app.extensions.get("frame_facts", ())]) if has_cookie() else ()


def _render(template: str) -> str:
    context: dict[str, Any] = {}
    current_app.update_template_context(context)
    return current_app.jinja_env.get_template(template).render(context)


def _make_neutral(template: str, paths: dict[str, str]) -> Made[list[bytes]]:
    """The text without addresses, and whether it is the same for all (a merchant's theme may well look at the visitor's session)."""
    before = g.get("alternate_paths")
    g.frame_here, g.alternate_paths = HERE.decode(), {locale: f"/{_token(locale).decode()}" for locale in paths}
    try:
        with watched() as look:
            html = _render(template)
    finally:
        g.frame_here, g.alternate_paths = None, before
    return Made(_cut(html), is_for_all=not (look.at_session and has_cookie()))


def _token(locale: str) -> bytes:
    return f"\ue001{locale}\ue002".encode()


def _cut(html: str) -> list[bytes]:
    """The text in pieces: those that stand for an address are by themselves."""
    return [piece.encode() for piece in ADDRESSES.split(html)]


def has_flashes() -> bool:
    """Is there anything to be said once to this visitor?"""
    if "has_flashes" not in g:
        g.has_flashes = has_cookie() and "_flashes" in session
    return bool(g.has_flashes)


def init_app(app: Flask) -> None:
    show_in_frame(app, has_flashes)
    app.jinja_env.globals.update(frame_part=frame_part, here_path=here_path, has_flashes=has_flashes)
