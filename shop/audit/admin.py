"""The audit for staff: what the last one found, the ones before, and having one run now."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, flash, redirect, render_template, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_login import current_user

from shop.audit.queries import count_findings, find_last_run, get_run, list_runs
from shop.audit.services import request_audit
from shop.clock import now
from shop.web.fields import ShopForm
from shop.web.staff import StaffEntry, needs

staff = Blueprint("audit_staff", __name__, url_prefix="/audit")
ENTRIES = [StaffEntry("admin.audit_staff.show_audit", _l("Audit"), 90, icon="shield", count=count_findings)]


class Ask(ShopForm):
    """One press."""


@staff.get("")
@needs("books.view")
def show_audit() -> ResponseReturnValue:
    """What the last audit found."""
    return _show(find_last_run())


@staff.get("/<int:run_id>")
@needs("books.view")
def show_run(run_id: int) -> ResponseReturnValue:
    """An earlier audit."""
    return _show(get_run(run_id))


@staff.post("")
@needs("books.view")
def ask_audit() -> ResponseReturnValue:
    """Have one run now."""
    if not Ask().validate_on_submit():
        return _show(find_last_run(), _("The page was open too long. Press again."), 422)
    request_audit(by=current_user.email, at=now())
    flash(_("The audit runs. Look again in a minute."), "success")
    return redirect(url_for("admin.audit_staff.show_audit"), 303)


def _show(run: Any, problem: str = "", status: int = 200) -> ResponseReturnValue:
    rules = run.report["rules"] if run else []
    broken = [rule for rule in rules if rule["findings"] or rule["error"]]
    page = render_template(
        "audit/admin/show_audit.html",
        run=run,
        broken=broken,
        kept=[rule for rule in rules if rule not in broken],
        runs=list_runs(),
        form=Ask(formdata=None),
        problem=problem,
    )
    return page, status
