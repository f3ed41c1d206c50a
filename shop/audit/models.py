"""What audits found, run by run."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy.orm import Mapped, mapped_column

from shop.db import Base


class AuditRun(Base):
    """One audit. ``report`` is what ``flask shop audit --json`` prints; ``findings`` how many things were wrong."""

    __tablename__ = "audit_runs"

    id: Mapped[int] = mapped_column(primary_key=True)
    at: Mapped[datetime]
    took_ms: Mapped[int]
    findings: Mapped[int]
    actor: Mapped[str]
    report: Mapped[dict[str, Any]]
