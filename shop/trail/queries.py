"""Reading the trail, newest first, and walking along its chain."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from sqlalchemy import Row, bindparam, select

from shop.db import row, rows
from shop.trail.models import StaffAct, TrailEnd
from shop.trail.services import COVERED, digest_of
from shop.web.pagination import Page, decode_cursor, encode_cursor

PAGE, PIECE = 50, 500
ACTS = select(StaffAct.hash, *(getattr(StaffAct, name) for name in COVERED))
LIST = ACTS.order_by(StaffAct.position.desc())
CHAIN = ACTS.where(StaffAct.position > bindparam("last")).order_by(StaffAct.position).limit(PIECE)
END = select(TrailEnd.last_position, TrailEnd.last_hash)


def list_acts(
    *,
    actor: str = "",
    permission: str = "",
    subject: str = "",
    since: datetime | None = None,
    until: datetime | None = None,
    cursor: str | None = None,
) -> Page[Row[Any]]:
    """What staff did, newest first. ``subject`` from its beginning: ``order:`` are all orders."""
    wanted = LIST
    if actor:
        wanted = wanted.where(StaffAct.actor == actor)
    if permission:
        wanted = wanted.where(StaffAct.permission == permission)
    if subject:
        wanted = wanted.where(StaffAct.subject.startswith(subject, autoescape=True))
    if since:
        wanted = wanted.where(StaffAct.at >= since)
    if until:
        wanted = wanted.where(StaffAct.at < until)
    if cursor:
        wanted = wanted.where(StaffAct.position < decode_cursor(cursor, int)[0])
    found = rows(wanted.limit(PAGE + 1))
    return Page(found[:PAGE], encode_cursor(found[PAGE - 1].position) if len(found) > PAGE else None)


def broken_links() -> Iterator[tuple[str, str]]:
    """Where the chain does not hold: a place and what is wrong there. The first that breaks is named; what follows it follows from it."""
    before, last = "", 0
    while piece := rows(CHAIN, last=last):
        for act in piece:
            if act.position != last + 1:
                yield f"act {last + 1}", "is missing"
                return
            if digest_of(before, dict(zip(act._fields, act, strict=True))) != act.hash:
                yield f"act {act.position}", "was changed"
                return
            before, last = act.hash, act.position
    end = row(END)
    if (last, before) != ((end.last_position, end.last_hash) if end else (0, "")):
        yield f"act {last + 1}", "is missing at the end"
