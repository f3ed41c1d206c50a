"""What every gateway can do, and how it answers. The shop's rows say what we know; only the gateway knows what is true.

Every call names the attempt by its ``key``, which the gateway takes as idempotency key: calling again does nothing more and gives the same answer.
No gateway is ever called inside a transaction.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any


class Truth(StrEnum):
    """How an attempt stands with the gateway. ``unheard``: it never heard of it, and never will: nothing was taken."""

    UNHEARD = "unheard"
    WAITING = "waiting"
    AUTHORIZED = "authorized"
    CAPTURED = "captured"
    DECLINED = "declined"
    VOIDED = "voided"


class NoAnswer(Exception):
    """The gateway did not answer in time, or not understandably. What it did is unknown; that is not a failure."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What we want to be paid. ``return_url`` is where the gateway's page sends the customer afterwards."""

    key: str
    number: str
    amount_minor: int
    currency: str
    locale: str
    return_url: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What the gateway says. ``url`` is its page, while the customer has something to do there; ``reason`` why it declined."""

    truth: Truth
    reference: str | None = None
    url: str | None = None
    amount_minor: int = 0
    currency: str = ""
    reason: str = ""


class Gateway(ABC):
    """A way to pay. ``is_remote``: somebody else keeps the books, who must be asked. Amounts are minor units."""

    code: str
    is_remote: bool = True

    @property
    @abstractmethod
    def name(self) -> Any:
        """What the customer chooses, in their language."""

    @property
    @abstractmethod
    def note(self) -> Any:
        """The sentence under it."""

    @abstractmethod
    def start(self, asked: Asked, *, at: datetime) -> Answer:
        """Open the attempt, or find it open already.

        Raises:
            NoAnswer: nobody knows whether it is open.
        """

    @abstractmethod
    def look_up(self, key: str, *, at: datetime) -> Answer:
        """How the attempt stands.

        Raises:
            NoAnswer: ask again later.
        """

    @abstractmethod
    def capture(self, key: str, *, at: datetime) -> Answer:
        """Take what was authorized. Captured before: the same answer.

        Raises:
            NoAnswer: nobody knows whether it was taken.
        """

    @abstractmethod
    def void(self, key: str, *, at: datetime) -> Answer:
        """Close the attempt so that it can never be paid any more. If it was captured meanwhile, the answer says so.

        Raises:
            NoAnswer: nobody knows whether it is closed.
        """

    @abstractmethod
    def refund(self, key: str, amount_minor: int, *, refund_key: str, at: datetime) -> Answer:
        """Give money back; ``refund_key`` makes it happen once. ``captured`` means done, ``waiting`` that a person must do it by hand.

        Raises:
            NoAnswer: nobody knows whether it went back.
        """
