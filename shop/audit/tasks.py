"""The audit of every night, the one that somebody asked for, and the mail to staff when something is wrong."""

from __future__ import annotations

from datetime import datetime, timedelta

from flask import Flask, current_app

from shop.audit.queries import get_run
from shop.audit.services import audit_shop
from shop.clock import now
from shop.errors import N_, NotFound
from shop.mail.services import queue_mail
from shop.outbox import Happened, subscribe
from shop.outbox.envelope import Told, publish
from shop.outbox.periodic import every


def init_app(app: Flask) -> None:
    every(app, timedelta(days=1), "audit.nightly", run_nightly)
    subscribe(app, "audit.wanted", "audit.run", run_wanted)
    subscribe(app, "audit.failed", "mail.audit_failed", tell_staff)
    publish(app, "audit.failed", tell_of_findings, says=N_("The audit found something wrong with the books; `findings` says how much."))


def run_nightly(at: datetime) -> None:
    audit_shop(by="shop", at=at)


def run_wanted(event: Happened) -> None:
    audit_shop(by=event.payload["by"], at=now())


def tell_staff(event: Happened) -> None:
    """One mail to the shop's own address; what was found stands on the page."""
    run, config = get_run(event.payload["run_id"]), current_app.extensions["config"]
    queue_mail(
        cause=f"{event.id}:audit.failed",
        recipient=config.mail_from,
        locale=config.locales[0],
        template="audit/mail/failed",
        about=event.subject,
        at=event.at,
        context={
            "run": run,
            "broken": [rule for rule in run.report["rules"] if rule["findings"] or rule["error"]],
            "link": f"{config.base_url}/admin/audit/{run.id}",
        },
    )


def tell_of_findings(event: Happened) -> Told | None:
    """How many things are wrong, and by which rules, for the world outside; what they are stands on the page. None once the run is forgotten."""
    try:
        run = get_run(event.payload["run_id"])
    except NotFound:
        return None
    broken = [rule["id"] for rule in run.report["rules"] if rule["findings"] or rule["error"]]
    return Told("audit", {"findings": run.findings, "rules": broken})
