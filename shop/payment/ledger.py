"""What came in and went back, in the ledger. Each is called in the transaction that records it, with the order's row claimed.

A key per payment, refund or dispute lets each be posted once, however often its cause is heard of.
"""

from __future__ import annotations

from datetime import datetime

from shop.ledger.models import Account, Cause
from shop.ledger.queries import balances_of
from shop.ledger.services import post


def post_capture(
    order_id: int, payment_id: int, amount_minor: int, *, currency: str, gateway: str, captured_before: int = 0, by: str, at: datetime
) -> bool:
    """Money came: the shop holds it, the customer owes so much less. ``captured_before`` tells several captures of one payment apart."""
    key = f"capture:{payment_id}:{captured_before}"
    amounts = {Account.CASH: amount_minor, Account.RECEIVABLE: -amount_minor}
    return post(order_id, Cause.CAPTURE, key, amounts, currency=currency, gateway=gateway, by=by, at=at)


def post_refund(
    order_id: int, refund_id: int, amount_minor: int, *, currency: str, gateway: str, promised_minor: int = 0, by: str, at: datetime
) -> bool:
    """Money went back: first what the shop owed the customer (a canceled order, money that came twice), the rest lessens what was sold.
    ``promised_minor`` of what is owed goes back by other refunds."""
    owed = max(0, -balances_of(order_id).get(Account.RECEIVABLE, 0) - promised_minor)
    back = min(amount_minor, owed)
    amounts = {Account.CASH: -amount_minor, Account.RECEIVABLE: back, Account.REFUNDS: amount_minor - back}
    return post(order_id, Cause.REFUND, f"refund:{refund_id}", amounts, currency=currency, gateway=gateway, by=by, at=at)


def post_dispute(
    order_id: int, dispute: str, amount_minor: int, *, currency: str, gateway: str, is_won: bool = False, at: datetime
) -> bool:
    """The customer's bank took the money back; ``is_won``: it came again. ``dispute`` is the gateway's name for it."""
    cause = Cause.DISPUTE_WON if is_won else Cause.DISPUTE
    taken = -amount_minor if is_won else amount_minor
    amounts = {Account.DISPUTES: taken, Account.CASH: -taken}
    return post(order_id, cause, f"{cause.value}:{dispute}", amounts, currency=currency, gateway=gateway, by=gateway, at=at)
