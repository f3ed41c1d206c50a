"""A card gateway for trying out: our side of the wire to the test bank (``shop.payment.test_bank``). In production the settings refuse it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime
from itertools import groupby
from typing import Any, Protocol

from flask_babel import lazy_gettext as _l

from shop.payment.gateways.base import Answer, Asked, Forged, Gateway, GivenBack, News, Refused, Taken, Truth
from shop.payment.signatures import HEADER, check
from shop.payment.test_bank.books import Charge, KeyReused, Overdrawn, PaidBack
from shop.web.json import BadJson, parse
from shop.web.locale import path_in


class Bank(Protocol):
    """The test bank, here or behind HTTP."""

    def open(self, asked: Asked, *, captures_at_once: bool = True, at: datetime) -> Charge: ...
    def find(self, key: str, *, at: datetime | None = None) -> Charge | None: ...
    def capture(self, key: str, *, at: datetime) -> Charge | None: ...
    def void(self, key: str, *, at: datetime) -> Charge | None: ...
    def refund(self, key: str, amount_minor: int, refund_key: str, *, at: datetime | None = None) -> PaidBack: ...
    def ledger(self) -> list[dict[str, Any]]: ...


class TestCard(Gateway):
    """Asks the bank, translates its answers. ``secrets`` sign its messages; ``captures_at_once`` is agreed with each charge."""

    __test__ = False
    code = "test_card"

    def __init__(self, bank: Bank, *, secrets: Sequence[str] = (), captures_at_once: bool = True, origin: str = "") -> None:
        self.bank = bank
        self.secrets = secrets
        self.is_taken_at_once = captures_at_once
        self.origin = origin

    @property
    def name(self) -> Any:
        return _l("Test card")

    @property
    def note(self) -> Any:
        return _l("A bank’s page for trying out, right after this one. No money moves.")

    @property
    def page_origin(self) -> str:
        return self.origin

    @property
    def captures_at_once(self) -> bool:
        return self.is_taken_at_once

    def start(self, asked: Asked, *, at: datetime) -> Answer:
        return _answer(_refusing(lambda: self.bank.open(asked, captures_at_once=self.is_taken_at_once, at=at)))

    def look_up(self, asked: Asked, *, at: datetime) -> Answer:
        return _answer(self.bank.find(asked.key, at=at))

    def capture(self, asked: Asked, *, at: datetime) -> Answer:
        return _answer(self.bank.capture(asked.key, at=at))

    def void(self, asked: Asked, *, at: datetime) -> Answer:
        return _answer(self.bank.void(asked.key, at=at))

    def refund(self, asked: Asked, amount_minor: int, *, refund_key: str, at: datetime) -> GivenBack:
        return _given(_refusing(lambda: self.bank.refund(asked.key, amount_minor, refund_key, at=at)))

    def list_taken(self) -> Iterator[Taken]:
        entries = self.bank.ledger()
        back: Counter[str] = Counter()
        for entry in entries:
            back[entry["charge"]] += entry["amount"] if entry["kind"] == "refund" else 0
        for reference, captures in groupby(sorted((one for one in entries if one["kind"] == "capture"), key=_charge_of), _charge_of):
            taken = list(captures)
            yield Taken(
                key=taken[0]["key"],
                reference=reference,
                captured_minor=sum(entry["amount"] for entry in taken),
                refunded_minor=back[reference],
                currency=taken[0]["currency"],
            )

    def read_webhook(self, body: bytes, headers: Mapping[str, str], *, at: datetime) -> News:
        check(body, headers.get(HEADER, ""), self.secrets, at=at)
        try:
            said = parse(body)
            charge = said["charge"]
            return News(
                event_id=str(said["id"]),
                kind=str(said["kind"]),
                is_live=said["is_live"] is not False,
                key=str(charge["key"]),
                reference=str(charge["reference"]),
            )
        except (BadJson, KeyError, TypeError) as error:
            raise Forged("not readable") from error


def _charge_of(entry: dict[str, Any]) -> str:
    return str(entry["charge"])


def _refusing(act: Callable[[], Any]) -> Any:
    try:
        return act()
    except (Overdrawn, KeyReused) as error:
        raise Refused(f"{type(error).__name__}: {error}") from error


def _answer(charge: Charge | None) -> Answer:
    if charge is None:
        return Answer(truth=Truth.UNHEARD)
    page = (charge.url or path_in(charge.locale, f"/payments/{charge.reference}/test-card")) if charge.truth is Truth.WAITING else None
    return Answer(
        truth=charge.truth,
        reference=charge.reference,
        url=page,
        amount_minor=charge.amount_minor,
        currency=charge.currency,
        reason=charge.reason,
        given_back=tuple(_given(refund) for refund in charge.refunds),
    )


def _given(refund: PaidBack) -> GivenBack:
    return GivenBack(key=refund.key, reference=refund.reference, amount_minor=refund.amount_minor, truth=Truth.CAPTURED)
