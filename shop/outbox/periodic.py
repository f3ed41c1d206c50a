"""What happens again and again: each task runs in one process at a time, claimed by one guarded UPDATE.

A feature registers in its ``init_app``: ``every(app, timedelta(minutes=1), "payment.sweep", sweep)``; the function receives ``at``.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from flask import Flask, current_app
from sqlalchemy import Row, bindparam, select, update

from shop.db import insert_missing, rows, transaction
from shop.observe import count
from shop.observe.figures import TASK_SECONDS, TASKS
from shop.observe.spans import span
from shop.observe.trace import following
from shop.outbox.models import PeriodicTask

log = logging.getLogger(__name__)

Task = Callable[[datetime], object]
_OURS = PeriodicTask.name.in_(bindparam("names", expanding=True))
DUE = select(PeriodicTask.name, PeriodicTask.due_at).where(_OURS)
LAST_RUNS = select(PeriodicTask.name, PeriodicTask.due_at, PeriodicTask.ran_at, PeriodicTask.took_ms, PeriodicTask.error).where(_OURS)


@dataclass(frozen=True, slots=True)
class Scheduled:
    """A periodic task as staff see it; ``last`` (due_at, ran_at, took_ms, error) is None before its first run."""

    name: str
    pause: timedelta
    last: Row[Any] | None


def every(app: Flask, pause: timedelta, name: str, task: Task) -> None:
    """Run ``task`` about every ``pause``, in one process at a time."""
    app.extensions.setdefault("periodic", {})[name] = (pause, task)


def run_due_tasks(*, at: datetime) -> list[str]:
    """Run the tasks whose time has come; gives their names. One that fails is logged and tried again at its next time."""
    tasks: dict[str, tuple[timedelta, Task]] = current_app.extensions.get("periodic", {})
    known = {found.name: found.due_at for found in rows(DUE, names=list(tasks))}
    ran = []
    for name, (pause, task) in tasks.items():
        if (name not in known or known[name] <= at) and _claim(name, pause, at):
            ran.append(name)
            _run(name, task, at)
    return ran


def list_tasks() -> list[Scheduled]:
    """All periodic tasks of this shop by name, with their last run; for staff."""
    tasks: dict[str, tuple[timedelta, Task]] = current_app.extensions.get("periodic", {})
    known = {found.name: found for found in rows(LAST_RUNS, names=list(tasks))}
    return [Scheduled(name, pause, known.get(name)) for name, (pause, _task) in sorted(tasks.items())]


def _run(name: str, task: Task, at: datetime) -> None:
    error = ""
    with following("", current_app.extensions["observe"]) as trace:
        try:
            with span(f"task {name}"):
                task(at)
        except Exception as problem:
            log.exception("the periodic task %s failed", name)
            error = f"{type(problem).__name__}: {problem}"[:2000]
        count(TASKS, name, "failed" if error else "done")
        count(TASK_SECONDS, name, amount=trace.took_s)
    with transaction() as session:
        session.execute(update(PeriodicTask).where(PeriodicTask.name == name).values(took_ms=int(trace.took_s * 1000), error=error))


def _claim(name: str, pause: timedelta, at: datetime) -> bool:
    with transaction() as session:
        insert_missing(PeriodicTask, {"name": name, "due_at": at})
        claimed = session.execute(
            update(PeriodicTask).where(PeriodicTask.name == name, PeriodicTask.due_at <= at).values(due_at=at + pause, ran_at=at)
        )
    return bool(claimed.rowcount == 1)  # type: ignore[attr-defined]
