"""Exporting: read what is new, load it, remember that it is loaded. In that order, so that whoever dies on the way has the same loaded once more, which
changes nothing at a target that knows it."""

from __future__ import annotations

import logging
import secrets
from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Protocol

from flask import current_app
from sqlalchemy import delete, or_, update

from shop.analytics.models import AnalyticsPerson, AnalyticsTarget
from shop.analytics.people import Told, erased, find_gone, read_customers, read_named, what_is_new
from shop.analytics.people import pseudonym_of as pseudonym
from shop.analytics.reading import Batch, Piece, Rows, get_target, position_before, read_piece
from shop.clock import now
from shop.db import insert_into, insert_missing, transaction
from shop.errors import Conflict

log = logging.getLogger(__name__)

LEASE = timedelta(minutes=30)


class Sink(Protocol):
    """Where rows go. Loading a batch again, whole or in part, must leave the target as loading it once does."""

    name: str

    def prepare(self) -> None:
        """Make what is missing there: folders, tables, columns."""

    def load(self, batch: Batch) -> None:
        """Put the rows there, each by its key."""


class LoadFailed(Exception):
    """The target did not take it; says what it said."""


class ExportRuns(Conflict):
    """Another process exports to the same target at this moment."""


@dataclass
class Exported:
    """What an export brought: rows by table."""

    rows: Counter[str] = field(default_factory=Counter)
    batches: int = 0


def export_as_set(at: datetime) -> None:
    """The periodic task: export to where ``ANALYTICS_URL`` says. Another one at work is no failure."""
    try:
        done = export(sink_as_set(), at=at)
    except ExportRuns:
        return
    log.info("exported %s rows in %s batches", done.rows.total(), done.batches)


def sink_as_set() -> Sink:
    """Where the settings send figures; a folder in the instance where they say nothing."""
    config = current_app.extensions["config"]
    target = config.analytics.target if config.analytics else config.instance / "analytics"
    if isinstance(target, Path):
        from shop.analytics.files import Folder

        return Folder(target)
    from shop.analytics.bigquery import Dataset

    return Dataset(target, config.name)


def export(sink: Sink, *, since: datetime | None = None, at: datetime) -> Exported:
    """Bring to ``sink`` what it has not yet; ``since``: once more from that moment on.

    Raises:
        ExportRuns: another process is at it.
    """
    lease = _claim(sink.name, at=at)
    done, error = Exported(), ""
    try:
        if since is not None:
            _move(sink.name, position_before(since))
        sink.prepare()
        has_more = True
        while has_more:
            has_more = _load_next(sink, lease, done)
        _load_people(sink, lease, done)
    except BaseException as failure:
        error = f"{type(failure).__name__}: {failure}"[:1000]
        raise
    finally:
        _release(sink.name, lease, error, at=now())
    return done


def _claim(name: str, *, at: datetime) -> str:
    lease = secrets.token_hex(8)
    free = or_(AnalyticsTarget.lease == "", AnalyticsTarget.leased_until < at)
    with transaction() as session:
        insert_missing(AnalyticsTarget, {"name": name, "position": 0, "batch": 0, "late": {}, "lease": "", "error": ""})
        taken = update(AnalyticsTarget).where(AnalyticsTarget.name == name, free).values(lease=lease, leased_until=at + LEASE)
        if not session.execute(taken).rowcount:  # type: ignore[attr-defined]
            raise ExportRuns("An export to this target is running. Wait until it is done.")
    return lease


def _release(name: str, lease: str, error: str, *, at: datetime) -> None:
    mine = (AnalyticsTarget.name == name, AnalyticsTarget.lease == lease)
    with transaction() as session:
        session.execute(update(AnalyticsTarget).where(*mine).values(lease="", leased_until=None, ran_at=at, error=error))


def _move(name: str, position: int) -> None:
    with transaction() as session:
        session.execute(update(AnalyticsTarget).where(AnalyticsTarget.name == name).values(position=position, late={}))


def _load_next(sink: Sink, lease: str, done: Exported) -> bool:
    """One piece of what is new; gives whether more waits."""
    at, target = now(), get_target(sink.name)
    piece = read_piece(target, at=at)
    customers = read_customers(piece.customer_ids)
    _name_customers(piece, {one.id: pseudonym(one.id, one.created_at) for one in customers})
    told = what_is_new(target.id, customers, at=at)
    batch = Batch(target.batch + 1, {**piece.rows, "customers": [one.row for one in told]})
    if not batch.is_empty:
        sink.load(batch)
        _count(done, batch.rows)
    is_moved = piece.position != target.position or piece.late != target.late
    if is_moved or not batch.is_empty:
        _mark(sink.name, lease, told, {"position": piece.position, "late": piece.late}, is_loaded=not batch.is_empty, at=at)
    return piece.has_more


def _name_customers(piece: Piece, names: dict[int, str]) -> None:
    for row, order in zip(piece.rows.get("orders", []), piece.orders, strict=True):
        row["customer"] = names.get(order.customer_id)


def _load_people(sink: Sink, lease: str, done: Exported) -> None:
    """Who agreed, changed, took it back, or was erased."""
    while True:
        at, target = now(), get_target(sink.name)
        gone, told = find_gone(target.id), what_is_new(target.id, read_named(target.id), at=at)
        people = [*(one.row for one in told), *(erased(one, at=at) for one in gone)]
        if not people:
            return
        sink.load(Batch(target.batch + 1, {"customers": people}, tuple(gone)))
        _count(done, {"customers": people})
        _mark(sink.name, lease, told, {}, gone=gone, is_loaded=True, at=at)


def _count(done: Exported, rows: Rows) -> None:
    done.batches += 1
    done.rows.update({table: len(found) for table, found in rows.items() if found})


def _mark(
    name: str, lease: str, told: list[Told], values: dict[str, Any], *, gone: list[str] | None = None, is_loaded: bool, at: datetime
) -> None:
    """Remember what was loaded, all of it or nothing; somebody else's export is left alone."""
    counted = {"batch": AnalyticsTarget.batch + 1} if is_loaded else {}
    mine = (AnalyticsTarget.name == name, AnalyticsTarget.lease == lease)
    with transaction() as session:
        marked = update(AnalyticsTarget).where(*mine).values(**values, **counted, leased_until=at + LEASE).returning(AnalyticsTarget.id)
        target_id = session.execute(marked).scalar()
        if target_id is None:
            raise ExportRuns("This export took too long; another one took over.")
        if gone:
            session.execute(delete(AnalyticsPerson).where(AnalyticsPerson.target_id == target_id, AnalyticsPerson.pseudonym.in_(gone)))
        for one in told:
            new = insert_into(AnalyticsPerson).values(one.memory)
            changed = {"digest": one.memory["digest"], "is_named": one.memory["is_named"]}
            session.execute(new.on_conflict_do_update(index_elements=["target_id", "pseudonym"], set_=changed))
