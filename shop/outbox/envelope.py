"""What the world outside may hear of an event: one envelope for everybody who listens there, be it a topic, a queue or a web address.

Nothing leaves by itself. A feature says in its ``init_app`` which of its events are told and in which words:
``publish(app, "order.placed", tell_of_order, says="A customer placed an order.")``. An event that nobody publishes stays in the house. The words hold
facts and no person: no name, address, e-mail, note or secret; whoever needs these asks the API with a token that may see them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from fnmatch import fnmatchcase
from typing import Any

from flask import Flask, current_app

from shop.outbox import Happened

VERSION = 1
"""Of the envelope and what it holds: a field may be added at any time; one that goes or changes its meaning makes it a 2."""


@dataclass(frozen=True, slots=True)
class Told:
    """What a feature tells of one event: whom it is about by the name that the world knows (``order:K7QX2B``), and JSON."""

    subject: str
    data: dict[str, Any]


Teller = Callable[[Happened], Told | None]
"""Reads what there is to tell when the event is carried; None where there is nothing."""


@dataclass(frozen=True, slots=True)
class Published:
    """A kind of event that the world may hear of, and what it says in one sentence, marked for the translators."""

    kind: str
    says: str
    teller: Teller


@dataclass(frozen=True, slots=True)
class Envelope:
    """One event for outside.

    ``id`` is the same at every try: who has seen it lays the second aside. ``shop`` is ``SHOP_NAME``, for who hears of several. ``data`` is as it
    stands when it is told.
    """

    id: str
    shop: str
    kind: str
    subject: str
    at: datetime
    version: int
    data: dict[str, Any]

    def dump(self) -> dict[str, Any]:
        """The JSON form; ``at`` is UTC as RFC 3339 writes it."""
        return {
            "id": self.id,
            "shop": self.shop,
            "kind": self.kind,
            "subject": self.subject,
            "at": self.at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z"),
            "version": self.version,
            "data": self.data,
        }


def init_app(app: Flask) -> None:
    app.extensions["published"] = {}


def publish(app: Flask, kind: str, teller: Teller, *, says: str) -> None:
    """Let the world hear of events of ``kind``, in the words of ``teller``.

    Raises:
        ValueError: somebody else tells of it already.
    """
    known = app.extensions["published"].setdefault(kind, Published(kind, says, teller))
    if known.teller is not teller:
        raise ValueError(f"{kind} is told by two")


def published_kinds(app: Flask) -> list[Published]:
    """All that the world may hear of, by name; complete when every feature is registered."""
    return sorted(app.extensions["published"].values(), key=lambda one: one.kind)


def kinds_matching(app: Flask, patterns: Iterable[str]) -> list[str]:
    """The published kinds that one of the patterns means: ``order.placed``, ``order.*`` or ``*``."""
    return [one.kind for one in published_kinds(app) if any(fnmatchcase(one.kind, pattern) for pattern in patterns)]


def envelope_of(event: Happened) -> Envelope | None:
    """The event for outside, or None where the world hears nothing of it."""
    published = current_app.extensions["published"].get(event.kind)
    told = published.teller(event) if published else None
    shop = current_app.extensions["config"].name
    return Envelope(event.public_id, shop, event.kind, told.subject, event.at, VERSION, told.data) if told else None
