"""What happened, and who must hear of it: events written with their cause, delivered at least once, in order per subject.

A feature subscribes in its ``init_app``: ``subscribe(app, "order.placed", "order.confirmation_mail", send_confirmation)``. The handler gets a
``Happened``, runs outside any transaction, may be called again for the same event, and must then do nothing more. Consumers that come and go while
the shop runs, such as the addresses that staff enter, are guests: see ``welcome``.
"""

from __future__ import annotations

import threading
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING, Any

from flask import Flask
from sqlalchemy import ScalarSelect

from shop.observe import watch
from shop.outbox.models import new_public_id

if TYPE_CHECKING:
    from shop.outbox.doorbell import Doorbell


@dataclass(frozen=True, slots=True)
class Happened:
    """An event as its consumers see it. ``public_id`` names it outside of the shop: see ``envelope``."""

    id: int
    kind: str
    subject: str
    payload: dict[str, Any]
    at: datetime
    public_id: str = field(default_factory=new_public_id)


class Later(Exception):
    """A consumer cannot take anything now: have it come back then. That is no try."""

    def __init__(self, at: datetime) -> None:
        super().__init__(f"not before {at.isoformat(timespec='seconds')}")
        self.at = at


Handler = Callable[[Happened], object]
GuestHandler = Callable[[str, Happened], object]


@dataclass(frozen=True, slots=True)
class Family:
    """Guests of one kind. ``roll`` gives one text, a line for each guest: its name, then patterns of the events that it wants, with spaces between."""

    roll: ScalarSelect[str]
    handler: GuestHandler


class Handlers(dict[str, Handler]):
    """Handlers by the consumer's name. ``webhook:7c1e`` is the guest ``7c1e`` of the family ``webhook``."""

    def __init__(self) -> None:
        super().__init__()
        self.families: dict[str, Family] = {}

    def __missing__(self, consumer: str) -> Handler:
        family, _, guest = consumer.partition(":")
        if guest and family in self.families:
            return partial(self.families[family].handler, guest)
        raise KeyError(consumer)


class Outbox:
    """The consumers of one shop, and the bell that wakes its courier: in this process, or by ``doorbell`` the workers elsewhere."""

    def __init__(self, doorbell: Doorbell | None = None) -> None:
        self.handlers = Handlers()
        self.consumers: defaultdict[str, list[str]] = defaultdict(list)
        self.bell = threading.Event()
        self.doorbell = doorbell

    @property
    def families(self) -> dict[str, Family]:
        return self.handlers.families

    def consumers_of(self, kind: str) -> list[str]:
        return self.consumers.get(kind, [])

    def ring(self) -> None:
        """Something waits: look at once."""
        if self.doorbell:
            self.doorbell.ring()
        else:
            self.bell.set()


def init_app(app: Flask) -> None:
    """Deliver in process, or by workers on a broker where ``SHOP_BROKER_URL`` names one."""
    from shop.outbox import envelope
    from shop.outbox.queries import read_figures

    config = app.extensions["config"]
    app.extensions["outbox"] = Outbox(_make_doorbell(config.broker_url, config.name) if config.broker_url else None)
    envelope.init_app(app)
    watch(app, read_figures)


def _make_doorbell(url: str, shop: str) -> Doorbell:
    from shop.outbox.doorbell import Doorbell

    return Doorbell(url, shop)


def subscribe(app: Flask, kind: str, consumer: str, handler: Handler) -> None:
    """Have ``handler`` called for every event of ``kind``; ``consumer`` is its lasting name in the table."""
    outbox: Outbox = app.extensions["outbox"]
    if outbox.handlers.setdefault(consumer, handler) is not handler:
        raise ValueError(f"two handlers are called {consumer}")
    outbox.consumers[kind].append(consumer)


def welcome(app: Flask, family: str, roll: ScalarSelect[str], handler: GuestHandler) -> None:
    """Let guests hear of published events: who stands on the ``roll`` in the event's own transaction gets it, each in order, each with its own tries.

    ``handler`` gets the guest's name as well; its consumer in the table is ``family:name``. The roll is read by the statement that writes the event.
    """
    outbox: Outbox = app.extensions["outbox"]
    if outbox.families.setdefault(family, Family(roll, handler)).handler is not handler:
        raise ValueError(f"two families are called {family}")
