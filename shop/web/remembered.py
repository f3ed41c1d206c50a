"""Pages of which most is the same for everybody, put together from what is kept: rendered once for the same facts, with gaps.

A gap stands for a part of the frame, or for what moves by itself, such as the cards of a list. The view reads what the page shows as on every request;
where the facts, and the versions of what is kept, are equal to the last time, only the gaps are filled anew. A page that looks at the visitor while it
is rendered (a theme of the merchant's may) is kept for nobody, and members always get a page of their own.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Hashable, Mapping
from typing import Any, NamedTuple

from flask import Flask, current_app, g, request
from markupsafe import Markup

from shop.settings.queries import topic_versions
from shop.web.context import alternate_paths, chosen_theme, user
from shop.web.cookies import watched
from shop.web.frame import FramePart, find_frame
from shop.web.locale import current_locale
from shop.web.memory import Memory

TOPICS = ("settings", "catalog", "content", "reviews")
PAGES_MOST, PAGES_BYTES = 128, 1_500_000  # of each kind of page, twice
MARK = f"\ue003{secrets.token_hex(8)}:"  # nobody who writes a text can write this
END = "\ue004"


class Shell(NamedTuple):
    """A page with gaps: ``texts`` around ``gaps`` (parts of the frame, or names of late texts), and where it stands in each language."""

    texts: tuple[bytes, ...]
    gaps: tuple[FramePart | str, ...]
    paths: dict[str, str]


def gap(name: str) -> Markup:
    """For values of a page that ``remembered`` renders: the late text of this name is put in here."""
    return Markup(f"{MARK}{name}{END}")  # noqa: S704 - a mark of ours


def remembered(asked: Hashable, facts: Any, render: Callable[[], str], late: Mapping[str, bytes] | None = None) -> bytes:
    """``render()``, or what it gave at this address for the same ``asked`` and equal ``facts``; ``late`` fills the gaps of these names."""
    is_kept = not current_app.debug and user() is None
    memory = current_app.extensions["pages"].setdefault(request.endpoint, Memory(PAGES_MOST, PAGES_BYTES))
    key = (request.path, asked, current_locale(), chosen_theme())
    state = (facts, topic_versions(TOPICS))
    known = memory.get(key) if is_kept else None
    if known is not None and known[0] == state:
        return _put_together(known[1], late or {})
    shell, is_shared = _render_with_gaps(render)
    if is_kept and is_shared:
        memory.put(key, (state, shell), sum(map(len, shell.texts)))
    return _put_together(shell, late or {})


def _render_with_gaps(render: Callable[[], str]) -> tuple[Shell, bool]:
    """The page with gaps, and whether it is the same for all."""
    parts: list[FramePart] = []

    def leave_out(part: FramePart) -> Markup:
        parts.append(part)
        return gap(str(len(parts) - 1))

    g.gap = leave_out
    try:
        with watched() as look:
            html = render()
    finally:
        g.gap = None
    first, *rest = html.split(MARK)
    cut = [piece.split(END, 1) for piece in rest]
    texts = (first, *(text for _name, text in cut))
    gaps = tuple(parts[int(name)] if name.isdigit() else name for name, _text in cut)
    return Shell(tuple(text.encode() for text in texts), gaps, alternate_paths()), not (look.at_cookie or look.at_session)


def _put_together(shell: Shell, late: Mapping[str, bytes]) -> bytes:
    frame = iter(find_frame([name for name in shell.gaps if isinstance(name, FramePart)], shell.paths))
    page = [shell.texts[0]]
    for name, text in zip(shell.gaps, shell.texts[1:], strict=True):
        page += (next(frame) if isinstance(name, FramePart) else late[name], text)
    return b"".join(page)


def init_app(app: Flask) -> None:
    pages: dict[str | None, Memory] = {}  # each kind of page has its own, so that many goods do not push out the shelves
    app.extensions["pages"] = pages
