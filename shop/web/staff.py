"""How a feature's staff pages enter the back office: the feature's ``admin`` module exports ``staff`` (a blueprint) and ``ENTRIES``.

``shop.admin`` lists those modules and nests their blueprints below ``/admin``; the door there lets in nobody but staff.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

View = TypeVar("View", bound=Callable[..., Any])


@dataclass(frozen=True, slots=True)
class StaffEntry:
    """One line of the back office's navigation.

    ``endpoint`` as ``url_for`` wants it ("admin.order_staff.list_orders"); ``label`` a lazy text; ``position`` orders the lines; who
    may not open the page does not see its line; ``icon`` a name of ``macros/staff.html``; ``count`` says how much waits there.
    """

    endpoint: str
    label: Any
    position: int
    icon: str = "file"
    is_sub: bool = False
    count: Callable[[], int] | None = None


def needs(permission: str) -> Callable[[View], View]:
    """Decorate a page of the back office with the permission that it needs, a name of ``shop.auth.permissions``; the door makes it true."""

    def decorate(view: View) -> View:
        view.permission = permission  # type: ignore[attr-defined]
        return view

    return decorate
