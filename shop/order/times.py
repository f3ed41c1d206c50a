"""Days where the shop is."""

from __future__ import annotations

from datetime import date, datetime
from zoneinfo import ZoneInfo

from flask import current_app


def shop_day(at: datetime) -> date:
    """The day of a moment in the shop's time zone."""
    return at.astimezone(ZoneInfo(current_app.extensions["config"].timezone)).date()
