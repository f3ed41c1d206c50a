"""What happened to an order, newest first, by day: its own entries, its placing, and the mails about it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from itertools import groupby
from typing import Any

from flask_babel import gettext as _
from flask_babel import to_user_timezone
from sqlalchemy import Row

from shop.order.queries import OrderView
from shop.order.staff import ENTRIES


@dataclass(frozen=True, slots=True)
class Line:
    """One line of the timeline: who did what, when; ``note`` is quoted; ``mail`` or ``document`` is what it tells of."""

    at: datetime
    icon: str
    who: str
    what: str
    note: str = ""
    mail: Row[Any] | None = None
    document: Row[Any] | None = None


def timeline_of(order: OrderView, mails: Sequence[Row[Any]], documents: Sequence[Row[Any]] = ()) -> list[tuple[date, list[Line]]]:
    """The lines by day, both newest first."""
    lines = [Line(order.placed_at, "orders", order.name or order.email, str(_("placed the order")), order.note)]
    lines += [Line(entry.at, *entry_words(entry), entry.note) for entry in order.entries]
    lines += [Line(mail.created_at, "mail", str(_("Mail")), mail.subject, mail=mail) for mail in mails]
    lines += [
        Line(paper.issued_at, "file", str(_("The shop")), str(_("issued %(number)s", number=paper.number)), document=paper)
        for paper in documents
    ]
    newest = sorted(enumerate(lines), key=lambda pair: (pair[1].at, pair[0]), reverse=True)
    return [
        (day, list(of_day)) for day, of_day in groupby((line for _place, line in newest), key=lambda line: to_user_timezone(line.at).date())
    ]


def entry_words(entry: Any) -> tuple[str, str, str]:
    """Icon, who and what of an entry: ("truck", "ana@example.com", "sent a parcel")."""
    icon, what = ENTRIES.get(entry.kind, ("info", entry.kind.replace("_", " ")))
    who = {"shop": _("The shop"), "customer": _("The customer")}.get(entry.actor, entry.actor)
    return icon, str(who), str(what)
