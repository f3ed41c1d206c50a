"""What happened, and who must hear of it: events written with their cause, delivered at least once, in order per subject.

A feature subscribes in its ``init_app``: ``subscribe(app, "order.placed", "order.confirmation_mail", send_confirmation)``. The handler gets a
``Happened``, runs outside any transaction, may be called again for the same event, and must then do nothing more.
"""

from __future__ import annotations

import threading
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from flask import Flask

from shop.observe import watch
from shop.outbox.models import new_public_id


@dataclass(frozen=True, slots=True)
class Happened:
    """An event as its consumers see it. ``public_id`` names it outside of the shop: see ``envelope``."""

    id: int
    kind: str
    subject: str
    payload: dict[str, Any]
    at: datetime
    public_id: str = field(default_factory=new_public_id)


Handler = Callable[[Happened], object]


class Outbox:
    """The consumers of one shop, and the bell that wakes its courier."""

    def __init__(self) -> None:
        self.handlers: dict[str, Handler] = {}
        self.consumers: defaultdict[str, list[str]] = defaultdict(list)
        self.bell = threading.Event()

    def consumers_of(self, kind: str) -> list[str]:
        return self.consumers.get(kind, [])

    def ring(self) -> None:
        """Something waits: look at once."""
        self.bell.set()


def init_app(app: Flask) -> None:
    from shop.outbox import envelope
    from shop.outbox.queries import read_figures

    app.extensions["outbox"] = Outbox()
    envelope.init_app(app)
    watch(app, read_figures)


def subscribe(app: Flask, kind: str, consumer: str, handler: Handler) -> None:
    """Have ``handler`` called for every event of ``kind``; ``consumer`` is its lasting name in the table."""
    outbox: Outbox = app.extensions["outbox"]
    if outbox.handlers.setdefault(consumer, handler) is not handler:
        raise ValueError(f"two handlers are called {consumer}")
    outbox.consumers[kind].append(consumer)
