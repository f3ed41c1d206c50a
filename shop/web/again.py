"""A request that lost a race in the database is run once more from the start, where it sees what the winner wrote.

PostgreSQL ends one of two transactions that wait for each other, and of two that took the same free name one meets the UNIQUE constraint. Nothing was
written then, so the view may simply run again. It may not once it has committed something: what follows a commit is not undone.
Source: PostgreSQL manual, 13.5 "Serialization Failure Handling".
"""

from __future__ import annotations

import logging
import sqlite3
from collections.abc import Callable
from typing import TypeVar

from flask import g
from sqlalchemy.exc import DBAPIError

log = logging.getLogger(__name__)
T = TypeVar("T")

TRIES = 3
LOST_STATES = {
    "40001",  # serialization failure
    "40P01",  # deadlock
    "23503",  # a row that was pointed to has just gone
    "23505",  # somebody took the same name
}
LOST_NAMES = {"SQLITE_CONSTRAINT_UNIQUE", "SQLITE_CONSTRAINT_PRIMARYKEY", "SQLITE_CONSTRAINT_FOREIGNKEY"}


def run_again_if_lost(act: Callable[[], T]) -> T:
    """Do ``act``; again, twice at most, when it lost a race before it had committed anything."""
    before = g.get("commits", 0)
    for _attempt in range(TRIES - 1):
        try:
            return act()
        except DBAPIError as error:
            if not lost_race(error) or g.get("commits", 0) != before:
                raise
            log.info("lost a race in the database, running again: %s", type(error.orig).__name__)
    return act()


def lost_race(error: DBAPIError) -> bool:
    """Did the database refuse it because of what somebody else did at the same time?"""
    if isinstance(error.orig, sqlite3.Error):
        return getattr(error.orig, "sqlite_errorname", "") in LOST_NAMES
    return getattr(error.orig, "sqlstate", None) in LOST_STATES
