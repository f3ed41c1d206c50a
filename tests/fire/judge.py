"""The judges: the audit, and the bank's ledger against the tables. Each gives sentences about what is wrong, none when all is well."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import select

from shop.audit.services import run_audit
from shop.db import rows
from shop.order.models import Order
from shop.payment.models import Payment, Refund, State

UNSURE = (State.ATTEMPTING, State.UNKNOWN)
CAPTURES = (
    select(Payment.key, Payment.reference, Payment.captured_minor.label("amount"), Payment.currency, Order.number)
    .join(Order, Order.id == Payment.order_id)
    .where(Payment.captured_minor > 0, Payment.gateway == "test_card")
)
REFUNDS = (
    select(Refund.key, Refund.reference, Refund.amount_minor.label("amount"), Payment.currency, Order.number)
    .join(Payment, Payment.id == Refund.payment_id)
    .join(Order, Order.id == Payment.order_id)
    .where(Refund.state == State.CAPTURED, Payment.gateway == "test_card")
)
Movement = tuple[str, str, str, int, str]


def compare_ledger(ledger: Iterable[Mapping[str, Any]], *, is_settled: bool = True) -> list[str]:
    """Every movement of the bank is one of ours, once all is settled, and the other way round at any time."""
    theirs = Counter((str(one["kind"]), one["order"], one["reference"], one["amount"], one["currency"]) for one in ledger)
    ours = Counter(_ours())
    unknown = (theirs - ours).items() if is_settled else ()
    wrong = [f"the bank knows {count} × {one}, the shop does not" for one, count in unknown]
    wrong += [f"the shop knows {count} × {one}, the bank does not" for one, count in (ours - theirs).items()]
    return wrong


def _ours() -> Iterable[Movement]:
    for kind, statement in (("capture", CAPTURES), ("refund", REFUNDS)):
        for found in rows(statement):
            yield kind, found.number, found.reference, found.amount, found.currency


def charged_twice(ledger: Iterable[Mapping[str, Any]]) -> list[str]:
    """Orders for which the bank took money more often than once, less what went back whole."""
    taken: Counter[str] = Counter()
    for one in ledger:
        taken[one["order"]] += one["amount"] * (1 if one["kind"] == "capture" else -1)
    totals = {found.number: found.total_minor for found in rows(select(Order.number, Order.total_minor))}
    return [f"{number}: {minor} was kept of {totals.get(number, 0)}" for number, minor in taken.items() if minor > totals.get(number, 0)]


def audit(at: datetime) -> list[str]:
    """What the audit finds."""
    return [
        f"{result.rule} {finding.ref} {finding.words}" if finding else f"{result.rule} {result.error}"
        for result in run_audit(at=at).broken
        for finding in (result.findings or (None,))
    ]
