"""When things happened in the demo shop: all of it before one given day begins, so that the same day gives the same rows."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta

OPENED_DAYS_AGO = 240
ORDERS_DAYS_AGO = 90
REDUCED_DAYS_AGO = 12


def day_begins(today: date) -> datetime:
    """The moment that is "now" in the demo world."""
    return datetime.combine(today, time(), tzinfo=UTC)


def published(now: datetime, place: int, count: int) -> datetime:
    """The ``place``-th of ``count`` goods came into the shop, evenly from its opening until three days ago, at eight in the morning."""
    days_ago = OPENED_DAYS_AGO - (OPENED_DAYS_AGO - 3) * place // max(count - 1, 1)
    return now - timedelta(days=days_ago) + timedelta(hours=8)
