"""Running the audit, keeping its report, and telling staff when something is wrong."""

from __future__ import annotations

import logging
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from typing import Any

from sqlalchemy import delete, insert, select

from shop.audit import files, money, orders, papers, stock, traces  # noqa: F401 - they register their rules
from shop.audit.gateways import GATEWAY_RULES
from shop.audit.models import AuditRun
from shop.audit.rules import MOST, RULES, Finding
from shop.db import transaction
from shop.errors import N_
from shop.outbox.services import record_event

log = logging.getLogger(__name__)

KEPT_RUNS = 60
# Invariants of a shop that has what this one has not yet; each becomes a rule with its feature.
NOT_APPLICABLE = {
    "I15": N_("There are no gift cards and no store credit yet."),
}


@dataclass(frozen=True, slots=True)
class Result:
    """What one invariant gave."""

    rule: str
    sentence: str
    findings: tuple[Finding, ...]
    has_more: bool
    took_ms: int
    error: str = ""

    @property
    def is_broken(self) -> bool:
        return bool(self.findings or self.error)


@dataclass(frozen=True, slots=True)
class Report:
    """An audit: all invariants, in their order."""

    at: datetime
    took_ms: int
    results: tuple[Result, ...]

    @property
    def broken(self) -> list[Result]:
        return [result for result in self.results if result.is_broken]

    @property
    def is_clean(self) -> bool:
        return not self.broken

    @property
    def findings(self) -> int:
        return sum(max(len(result.findings), 1) for result in self.broken)

    def dump(self) -> dict[str, Any]:
        """As JSON."""
        return {
            "at": self.at.isoformat(),
            "took_ms": self.took_ms,
            "clean": self.is_clean,
            "findings": self.findings,
            "rules": [_dump(result) for result in self.results],
            "not_applicable": NOT_APPLICABLE,
        }


def run_audit(*, at: datetime, only: Sequence[str] = (), asks_gateways: bool = False) -> Report:
    """Ask every invariant, or those named; reads only. A rule that fails itself counts as broken: an audit that did nothing is not clean.

    ``asks_gateways``: their books as well (G01, G02); a gateway that does not answer is a finding.
    """
    began = time.monotonic()
    rules = [*(GATEWAY_RULES if asks_gateways else ()), *RULES.values()]
    wanted = [rule for rule in sorted(rules, key=lambda rule: rule.id) if not only or rule.id in only]
    results = tuple(_ask(rule, at) for rule in wanted)
    return Report(at, _since(began), results)


def _ask(rule: Any, at: datetime) -> Result:
    began = time.monotonic()
    try:
        found = list(islice(rule.check(at), MOST + 1))
    except Exception as error:
        log.exception("the audit could not ask %s", rule.id)
        return Result(rule.id, rule.sentence, (), has_more=False, took_ms=_since(began), error=f"{type(error).__name__}: {error}"[:500])
    return Result(rule.id, rule.sentence, tuple(found[:MOST]), has_more=len(found) > MOST, took_ms=_since(began))


def _since(began: float) -> int:
    return int((time.monotonic() - began) * 1000)


def _dump(result: Result) -> dict[str, Any]:
    return {
        "id": result.rule,
        "sentence": result.sentence,
        "took_ms": result.took_ms,
        "error": result.error,
        "more": result.has_more,
        "findings": [{"ref": finding.ref, **finding.facts} for finding in result.findings],
    }


def audit_shop(*, by: str, at: datetime) -> Report:
    """Run the audit and keep its report; with findings the event ``audit.failed`` tells staff."""
    report = run_audit(at=at)
    values = {"at": at, "took_ms": report.took_ms, "findings": report.findings, "actor": by, "report": report.dump()}
    with transaction() as session:
        run_id = session.execute(insert(AuditRun).values(**values).returning(AuditRun.id)).scalar_one()
        older = select(AuditRun.id).order_by(AuditRun.id.desc()).offset(KEPT_RUNS)
        session.execute(delete(AuditRun).where(AuditRun.id.in_(list(session.execute(older).scalars()))))
        if not report.is_clean:
            record_event("audit.failed", "audit", {"run_id": run_id}, at=at)
    return report


def request_audit(*, by: str, at: datetime) -> None:
    """Have a courier run the audit soon: it may take longer than a page may."""
    with transaction():
        record_event("audit.wanted", "audit", {"by": by}, at=at)
