"""What every gateway can do, and how it answers. The shop's rows say what we know; only the gateway knows what is true.

Every call names the attempt by its ``key``, which the gateway takes as idempotency key: calling again does nothing more and gives the same answer.
No gateway is ever called inside a transaction.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from functools import wraps
from time import perf_counter
from typing import Any, Concatenate, ParamSpec, TypeVar

from shop.observe import count, tell
from shop.observe.figures import GATEWAY_CALLS, GATEWAY_SECONDS
from shop.observe.spans import span

P = ParamSpec("P")
T = TypeVar("T")


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


class Refused(Exception):
    """The gateway says no, and nothing happened; the text says why, for staff."""


class Forged(Exception):
    """A message that the gateway did not sign, or that is too old."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What we want to be paid. ``return_url`` is the path to which the gateway's page sends the customer afterwards, ``notify_url`` the one for its
    messages; ``reference`` is its name for the attempt, once we know it."""

    key: str
    number: str
    amount_minor: int
    currency: str
    locale: str
    return_url: str
    begun_at: datetime
    notify_url: str = ""
    reference: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class GivenBack:
    """A refund as the gateway knows it. ``key`` is ours, or empty when somebody made it there. ``captured`` means done, ``declined`` refused."""

    key: str
    reference: str | None
    amount_minor: int
    truth: Truth
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What the gateway says. ``url`` is its page, while the customer has something to do there; ``reason`` why it declined."""

    truth: Truth
    reference: str | None = None
    url: str | None = None
    amount_minor: int = 0
    currency: str = ""
    reason: str = ""
    given_back: tuple[GivenBack, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Taken:
    """What a gateway's books say of one attempt: taken and given back in all. ``key`` is ours."""

    key: str
    reference: str
    captured_minor: int
    refunded_minor: int
    currency: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Contested:
    """A dispute: the customer's bank wants the money back. ``state`` is open, won or lost."""

    reference: str
    amount_minor: int
    currency: str
    reason: str
    state: str
    due_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class News:
    """A message of the gateway that is proven to be its own. It only says where to look: the truth is fetched.

    ``key`` or ``reference`` names the attempt; both are empty when the message is about nothing of ours. ``is_live``: about real money.
    """

    event_id: str
    kind: str
    is_live: bool
    key: str = ""
    reference: str = ""
    dispute: Contested | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """The gateway's own card fields on a page of ours: what its script needs to know, and what the policy of that one page must allow."""

    public_key: str
    secret: str
    return_url: str
    policy: tuple[tuple[str, str], ...]


class Gateway(ABC):
    """A way to pay. ``is_remote``: somebody else keeps the books, who must be asked; ``is_live``: they hold real money. Amounts are minor units.

    Every call of one that is remote is told: how long it took and whether it was answered.
    """

    code: str
    is_remote: bool = True
    is_live: bool = False

    def __init_subclass__(cls) -> None:
        for act in ("start", "look_up", "capture", "void", "refund"):
            if act in vars(cls):
                setattr(cls, act, _watched(act, vars(cls)[act]))

    @property
    @abstractmethod
    def name(self) -> Any:
        """What the customer chooses, in their language."""

    @property
    @abstractmethod
    def note(self) -> Any:
        """The sentence under it."""

    @property
    def page_origin(self) -> str:
        """The origin of the gateway's page, for the policy of the page that leads there; empty when it is our own."""
        return ""

    @property
    def captures_at_once(self) -> bool:
        """Is what was authorized taken without anybody's word?"""
        return True

    @abstractmethod
    def start(self, asked: Asked, *, at: datetime) -> Answer:
        """Open the attempt, or find it open already.

        Raises:
            NoAnswer: nobody knows whether it is open.
            Refused: it cannot be opened.
        """

    @abstractmethod
    def look_up(self, asked: Asked, *, at: datetime) -> Answer:
        """How the attempt stands.

        Raises:
            NoAnswer: ask again later.
        """

    @abstractmethod
    def capture(self, asked: Asked, *, at: datetime) -> Answer:
        """Take what was authorized. Captured before: the same answer.

        Raises:
            NoAnswer: nobody knows whether it was taken.
        """

    @abstractmethod
    def void(self, asked: Asked, *, at: datetime) -> Answer:
        """Close the attempt so that it can never be paid any more. If it was captured meanwhile, the answer says so.

        Raises:
            NoAnswer: nobody knows whether it is closed.
        """

    @abstractmethod
    def refund(self, asked: Asked, amount_minor: int, *, refund_key: str, at: datetime) -> GivenBack:
        """Give money back; ``refund_key`` makes it happen once. ``waiting`` means that it is under way, or that a person must do it by hand.

        Raises:
            NoAnswer: nobody knows whether it went back.
            Refused: it did not, such as more than was taken.
        """

    def find_page(self, asked: Asked, *, at: datetime) -> Page | None:  # noqa: ARG002
        """The gateway's fields for an attempt that waits; None where the customer pays on the gateway's own page."""
        return None

    def list_taken(self) -> Iterator[Taken]:
        """Everything that was taken for this shop, from the gateway's own books. Nothing where nobody else keeps any.

        Raises:
            NoAnswer: ask again later.
            Refused: it does not let us read them.
        """
        return iter(())

    def read_webhook(self, body: bytes, headers: Mapping[str, str], *, at: datetime) -> News:  # noqa: ARG002
        """What a message of the gateway is about.

        Raises:
            Forged: it is not the gateway's, was changed, or is older than five minutes.
        """
        raise Forged(f"{self.code} sends no messages")


def _watched(act: str, call: Callable[Concatenate[Gateway, P], T]) -> Callable[..., T]:
    """The call, told of: no amount, no customer, no key."""

    @wraps(call)
    def watched(gateway: Gateway, *args: P.args, **kwargs: P.kwargs) -> T:
        if not gateway.is_remote:
            return call(gateway, *args, **kwargs)
        began, outcome = perf_counter(), "broken"
        try:
            with span(f"{gateway.code} {act}", "client"):
                answer = call(gateway, *args, **kwargs)
        except NoAnswer:
            outcome = "silent"
            raise
        except Refused:
            outcome = "refused"
            raise
        else:
            outcome = "answered"
            return answer
        finally:
            took_s = perf_counter() - began
            count(GATEWAY_CALLS, gateway.code, act, outcome)
            count(GATEWAY_SECONDS, gateway.code, act, amount=took_s)
            tell("gateway called", gateway=gateway.code, act=act, outcome=outcome, ms=round(took_s * 1000, 1))

    return watched
