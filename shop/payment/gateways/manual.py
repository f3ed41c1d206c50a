"""Bank transfer: the customer sends the money, a person sees it on the account and says so. Nobody can be asked."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from flask_babel import lazy_gettext as _l

from shop.payment.gateways.base import Answer, Asked, Gateway, Truth


class BankTransfer(Gateway):
    """To ``account``, with the order's number as reference. ``record_bank_payment`` settles it; refunds wait for a person too."""

    code = "bank_transfer"
    is_remote = False

    def __init__(self, account: str) -> None:
        self.account = account

    @property
    def name(self) -> Any:
        return _l("Bank transfer")

    @property
    def note(self) -> Any:
        return _l("We send when it has arrived, one to two days.")

    def start(self, asked: Asked, *, at: datetime) -> Answer:  # noqa: ARG002
        return Answer(truth=Truth.WAITING)

    def look_up(self, key: str, *, at: datetime) -> Answer:  # noqa: ARG002
        return Answer(truth=Truth.WAITING)

    def capture(self, key: str, *, at: datetime) -> Answer:  # noqa: ARG002
        return Answer(truth=Truth.WAITING)

    def void(self, key: str, *, at: datetime) -> Answer:  # noqa: ARG002
        return Answer(truth=Truth.VOIDED)

    def refund(self, key: str, amount_minor: int, *, refund_key: str, at: datetime) -> Answer:  # noqa: ARG002
        return Answer(truth=Truth.WAITING)
