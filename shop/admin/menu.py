"""The navigation of the back office, put together from the features' entries."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from flask import current_app, url_for

from shop.auth.current import current_user
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
        if may_open(entry.endpoint)
    ]


def may_open(endpoint: str) -> bool:
    """Does the current user's role have what this page needs?"""
    permission = getattr(current_app.view_functions[endpoint], "permission", "")
    return not permission or current_user.may(permission)
