"""How the back office writes moments: short, in the shop's time zone, exact where it matters."""

from __future__ import annotations

from datetime import date, datetime, timedelta

from babel.dates import format_skeleton
from flask_babel import format_date, format_time, get_locale, to_user_timezone
from flask_babel import gettext as _

from shop.clock import now


def staff_time(at: datetime) -> str:
    """ "Today 11:06", "Yesterday 18:42", "Fri, Nov 20, 18:42"; of another year the date alone."""
    local, today = to_user_timezone(at), today_here()
    clock = format_time(at, "HH:mm")
    if local.date() == today:
        return str(_("Today %(time)s", time=clock))
    if local.date() == today - timedelta(days=1):
        return str(_("Yesterday %(time)s", time=clock))
    if local.year == today.year:
        return f"{day_name(local.date())}, {clock}"
    return str(format_date(at, "medium"))


def day_name(day: date) -> str:
    """A day of this year: "Fri, Nov 20"."""
    return str(format_skeleton("MMMEd", datetime(day.year, day.month, day.day), locale=get_locale()))  # noqa: DTZ001 - a day, no moment


def today_here() -> date:
    """Which day it is where the shop is."""
    return to_user_timezone(now()).date()
