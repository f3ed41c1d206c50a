"""The shop's payments beside the books of its gateways: what nobody but they can know. Asked on demand alone, since each asks somebody outside."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from sqlalchemy import bindparam, func, select

from shop.audit.rules import Finding, Rule
from shop.db import rows
from shop.payment.asking import margin
from shop.payment.gateways.base import Gateway
from shop.payment.models import Payment, Refund, State
from shop.payment.queries import LIVE, gateways

_back = select(
    Refund.payment_id,
    func.sum(Refund.amount_minor).filter(Refund.state == State.CAPTURED).label("done"),
    func.sum(Refund.amount_minor).filter(Refund.state.in_([State.ATTEMPTING, State.UNKNOWN])).label("under_way"),
).group_by(Refund.payment_id)
_sums = _back.subquery()
OURS = (
    select(
        Payment.key,
        Payment.state,
        Payment.currency,
        Payment.captured_minor,
        Payment.attempted_at,
        Payment.settled_at,
        func.coalesce(_sums.c.done, 0).label("refunded_minor"),
        func.coalesce(_sums.c.under_way, 0).label("under_way_minor"),
    )
    .outerjoin(_sums, _sums.c.payment_id == Payment.id)
    .where(Payment.gateway == bindparam("gateway"))
)


def compare_captures(at: datetime) -> Iterator[Finding]:
    """Each capture is in both books, with the same amount; what may still be in flight is left alone."""
    for gateway in _asked():
        known = {found.key: found for found in gateway.list_taken()}
        before = at - margin()
        for ours in rows(OURS, gateway=gateway.code):
            theirs = known.pop(ours.key, None)
            is_young = max(ours.attempted_at or before, ours.settled_at or before) > before
            taken = _amounts(theirs.captured_minor, theirs.currency) if theirs else _amounts(0, ours.currency)
            if taken != _amounts(ours.captured_minor, ours.currency) and not (is_young and ours.state in {*LIVE, State.CAPTURED}):
                yield Finding(f"{gateway.code} {ours.key}", {"there": taken, "here": _amounts(ours.captured_minor, ours.currency)})
        for theirs in known.values():
            yield Finding(f"{gateway.code} {theirs.key}", {"there": _amounts(theirs.captured_minor, theirs.currency), "here": None})


def compare_refunds(at: datetime) -> Iterator[Finding]:  # noqa: ARG001 - what is under way says so itself
    """What each gateway gave back is what our refunds say, as long as none of them is under way."""
    for gateway in _asked():
        ours = {found.key: found for found in rows(OURS, gateway=gateway.code)}
        for theirs in gateway.list_taken():
            found = ours.get(theirs.key)
            if found is not None and not found.under_way_minor and found.refunded_minor != theirs.refunded_minor:
                yield Finding(f"{gateway.code} {theirs.key}", {"there": theirs.refunded_minor, "here": int(found.refunded_minor)})


def _asked() -> list[Gateway]:
    return [gateway for gateway in gateways().values() if gateway.is_remote]


def _amounts(minor: int, currency: str) -> str:
    return f"{minor} {currency}"


GATEWAY_RULES: tuple[Rule, ...] = (
    Rule("G01", "What each gateway took is what our payments say, attempt by attempt.", compare_captures),
    Rule("G02", "What each gateway gave back is what our refunds say.", compare_refunds),
)
