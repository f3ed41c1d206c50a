"""Bank transfer: the customer sends the money, a person (or the bank's list, see ``shop.payment.transfers``) says that it came. Nobody can be asked."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from flask_babel import lazy_gettext as _l

from shop.payment.gateways.base import Answer, Asked, Gateway, GivenBack, Truth


class BankTransfer(Gateway):
    """To ``account``, with the order's number as reference. ``record_bank_payment`` settles it; refunds wait for a person too."""

    code = "bank_transfer"
    is_remote = False
    is_live = True

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

    def look_up(self, asked: Asked, *, at: datetime) -> Answer:  # noqa: ARG002
        return Answer(truth=Truth.WAITING)

    def capture(self, asked: Asked, *, at: datetime) -> Answer:  # noqa: ARG002
        return Answer(truth=Truth.WAITING)

    def void(self, asked: Asked, *, at: datetime) -> Answer:  # noqa: ARG002
        return Answer(truth=Truth.VOIDED)

    def refund(self, asked: Asked, amount_minor: int, *, refund_key: str, at: datetime) -> GivenBack:  # noqa: ARG002
        return GivenBack(key=refund_key, reference=None, amount_minor=amount_minor, truth=Truth.WAITING)
