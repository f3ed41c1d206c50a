"""Acts of staff for tests, without a browser."""

from __future__ import annotations

from typing import Any

from flask import g

from shop.db import transaction
from shop.trail.services import Act, announce, note_change
from tests.factories import NOON


def announce_act(subject: str = "order:B-1", *, actor: str = "nuria@example.com", permission: str = "orders.refund") -> None:
    """A door let somebody through."""
    announce(Act(actor, "staff", permission, "admin.payment_staff.refund", subject, "192.0.2.7", "0123456789abcdef", NOON))


def act_of_staff(subject: str = "order:B-1", before: dict[str, Any] | None = None, after: dict[str, Any] | None = None) -> None:
    """Somebody of the staff did something."""
    announce_act(subject)
    with transaction():
        note_change(subject, before or {}, after or {"refund_minor": 500}, at=NOON)
    forget_act()


def forget_act() -> None:
    """The request is over."""
    g.pop("staff_act", None)
