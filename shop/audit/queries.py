"""Reading reports of audits."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from flask_babel import gettext as _
from sqlalchemy import Row, bindparam, select

from shop.audit.models import AuditRun
from shop.db import row, rows
from shop.errors import NotFound

RUNS = select(AuditRun.id, AuditRun.at, AuditRun.took_ms, AuditRun.findings, AuditRun.actor).order_by(AuditRun.id.desc()).limit(30)
RUN = select(*AuditRun.__table__.c).where(AuditRun.id == bindparam("run_id"))
LAST = select(*AuditRun.__table__.c).order_by(AuditRun.id.desc()).limit(1)
LAST_FINDINGS = select(AuditRun.findings).order_by(AuditRun.id.desc()).limit(1)


def list_runs() -> Sequence[Row[Any]]:
    """The last thirty audits, newest first."""
    return rows(RUNS)


def find_last_run() -> Row[Any] | None:
    return row(LAST)


def get_run(run_id: int) -> Row[Any]:
    """One audit with its report.

    Raises:
        NotFound: there is none, or it is too long ago.
    """
    found = row(RUN, run_id=run_id)
    if found is None:
        raise NotFound(_("There is no such audit. Only the last ones are kept."))
    return found


def count_findings() -> int:
    """What the last audit found."""
    found = row(LAST_FINDINGS)
    return int(found.findings) if found else 0
