"""The navigation of the back office, put together from the features' entries."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from flask import url_for

from shop.auth.current import REACH, current_user
from shop.web.staff import StaffEntry


@dataclass(frozen=True, slots=True)
class MenuLine:
    """A line as the template shows it; ``count`` 0 is not shown."""

    name: str
    url: str
    icon: str
    count: int
    is_sub: bool


def menu_for(entries: Sequence[StaffEntry]) -> list[MenuLine]:
    """The lines that the current user may follow, in their order."""
    return [
        MenuLine(str(entry.label), url_for(entry.endpoint), entry.icon, entry.count() if entry.count else 0, entry.is_sub)
        for entry in sorted(entries, key=lambda entry: entry.position)
        if current_user.role in REACH[entry.role]
    ]
