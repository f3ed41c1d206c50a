"""Pages of which most is the same for everybody, put together from what is kept: rendered once for the same facts, with gaps.

A gap stands for a part of the frame, or for what moves by itself, such as the cards of a list. The view reads what the page shows as on every request;
where the facts, and the versions of what is kept, are equal to the last time, only the gaps are filled anew. A page that looks at the visitor while it
is rendered (a theme of the merchant's may) is kept for nobody, and members always get a page of their own.
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Callable, Hashable, Mapping
from itertools import accumulate, pairwise
from typing import Any, NamedTuple

from flask import current_app, g, request
from markupsafe import Markup

from shop.cache import this_cache
from shop.cache.rooms import Made
from shop.settings.queries import topic_versions
from shop.web.context import alternate_paths, chosen_theme, user
from shop.web.cookies import watched
from shop.web.frame import FramePart, find_frame
from shop.web.locale import current_locale

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
    if current_app.debug or user() is not None:
        return _put_together(_render_with_gaps(render).value, late or {})
    # each kind of page has a room of its own, so that many goods do not push out the shelves
    room = this_cache().room(f"page {request.endpoint}", PAGES_MOST, PAGES_BYTES, codec=SHELLS)
    key = (request.path, asked, current_locale(), chosen_theme())
    shell = room.fetch(key, (facts, topic_versions(TOPICS)), lambda: _render_with_gaps(render))
    return _put_together(shell, late or {})


class Shells:
    """How a shell is written for other processes: a line of JSON that says where its texts end, then the texts."""

    def dump(self, value: Shell) -> bytes:
        gaps = [list(gap) if isinstance(gap, FramePart) else gap for gap in value.gaps]
        head = json.dumps([[len(text) for text in value.texts], gaps, value.paths])
        return b"\n".join([head.encode(), b"".join(value.texts)])

    def load(self, content: bytes) -> Shell:
        head, _line, rest = content.partition(b"\n")
        lengths, gaps, paths = json.loads(head)
        ends = list(accumulate(lengths, initial=0))
        texts = tuple(rest[begin:end] for begin, end in pairwise(ends))
        return Shell(texts, tuple(FramePart(*gap) if isinstance(gap, list) else gap for gap in gaps), paths)


SHELLS = Shells()


def _render_with_gaps(render: Callable[[], str]) -> Made[Shell]:
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
    shell = Shell(tuple(text.encode() for text in texts), gaps, alternate_paths())
    return Made(shell, sum(map(len, shell.texts)), not (look.at_cookie or look.at_session))


def _put_together(shell: Shell, late: Mapping[str, bytes]) -> bytes:
    frame = iter(find_frame([name for name in shell.gaps if isinstance(name, FramePart)], shell.paths))
    page = [shell.texts[0]]
    for name, text in zip(shell.gaps, shell.texts[1:], strict=True):
        page += (next(frame) if isinstance(name, FramePart) else late[name], text)
    return b"".join(page)
