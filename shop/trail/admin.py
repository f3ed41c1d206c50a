"""The trail for those who may read it."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from flask import Blueprint, current_app, render_template
from flask.typing import ResponseReturnValue
from flask_babel import lazy_gettext as _l

from shop.trail.queries import list_acts
from shop.web.fields import Text
from shop.web.lists import Day, Filters, here_with, load_filters
from shop.web.staff import StaffEntry, needs

staff = Blueprint("trail_staff", __name__, url_prefix="/log")
ENTRIES = [StaffEntry("admin.trail_staff.list_staff_acts", _l("Log"), 92, icon="eye")]


class ActFilters(Filters):
    """``?actor=nuria@example.com&subject=order:&permission=orders.refund&since=2026-11-01``."""

    actor = Text(maximum=254, load_default="")
    subject = Text(maximum=120, load_default="")
    permission = Text(maximum=60, load_default="")
    since = Day(load_default=None)
    until = Day(load_default=None)


def wanted_acts(chosen: dict[str, Any]) -> dict[str, Any]:
    """The filters as ``list_acts`` takes them: days become moments where the shop is; ``until`` is a day that still counts."""
    zone = ZoneInfo(current_app.extensions["config"].timezone)
    since, until = chosen["since"], chosen["until"]
    return {
        **{name: chosen[name] for name in ("subject", "permission", "cursor")},
        "actor": chosen["actor"].lower(),
        "since": since and datetime(since.year, since.month, since.day, tzinfo=zone),
        "until": until and datetime(until.year, until.month, until.day, tzinfo=zone) + timedelta(days=1),
    }


@staff.get("")
@needs("log.view")
def list_staff_acts() -> ResponseReturnValue:
    """Who did what, newest first."""
    chosen = load_filters(ActFilters())
    return render_template("trail/admin/list_staff_acts.html", page=list_acts(**wanted_acts(chosen)), chosen=chosen, here_with=here_with)
