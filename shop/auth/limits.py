"""How often somebody may try: guarded counters in ``login_tries``, the same for all processes.

A window of 15 minutes allows so many tries per key; then the caller waits until it ends, at most 15 minutes, whatever goes on meanwhile.
Tries are counted before the password is checked, so that a hundred at once do not slip through. Keys of an account are apart for networks
from which its owner has logged in before: who knocks from elsewhere can slow down strangers, not the owner at home.
"""

from __future__ import annotations

import hashlib
from datetime import datetime, timedelta
from math import ceil
from typing import Any

from flask_babel import gettext as _
from sqlalchemy import bindparam, case, delete, func, or_, select, update
from sqlalchemy.orm import Session

from shop.auth.models import LoginTry
from shop.db import insert_into, transaction
from shop.errors import TooManyTries

WINDOW = timedelta(minutes=15)
LIMITS = {"account": 10, "network": 60, "newcomer": 20, "order": 20, "code": 20, "mail": 5, "second": 10}
SINCE = select(func.max(LoginTry.since)).where(LoginTry.key.in_(bindparam("keys", expanding=True)))
FORGET = delete(LoginTry).where(LoginTry.key == bindparam("account"))
# Keys that somebody is counting just now are left for the next time: waiting for them could end in a deadlock.
OLD = select(LoginTry.key).where(LoginTry.since <= bindparam("window_start")).order_by(LoginTry.key).with_for_update(skip_locked=True)
SWEEP = delete(LoginTry).where(LoginTry.key.in_(OLD))
TAKE_BACK = update(LoginTry).where(LoginTry.key == bindparam("network"), LoginTry.failures > 0).values(failures=LoginTry.failures - 1)


def account_key(email: str, *, network: str, is_known_here: bool) -> str:
    """Counts tries on one account; addresses are kept as hashes, since strangers type anything."""
    digest = hashlib.sha256(email.encode("utf-8", "replace")).hexdigest()[:32]
    return f"account:{digest}@{network}" if is_known_here else f"account:{digest}"


def network_key(network: str) -> str:
    """Counts log-ins from one network."""
    return f"network:{network}"


def newcomer_key(network: str) -> str:
    """Counts registrations from one network."""
    return f"newcomer:{network}"


def mail_key(email: str) -> str:
    """Counts what strangers have us write to one address."""
    return f"mail:{hashlib.sha256(email.encode('utf-8', 'replace')).hexdigest()[:32]}"


def second_key(user_id: int) -> str:
    """Counts codes tried after a right password."""
    return f"second:{user_id}"


def count_try(*keys: str, at: datetime) -> None:
    """Count one try under each key, or none of them.

    Raises:
        TooManyTries: one of them is used up; says how long to wait.
    """
    with transaction(is_aside=True) as session:
        values = [{"key": key, "failures": 1, "since": at} for key in sorted(keys)]
        counted = {found.key for found in session.execute(_upsert(values, at=at))}
        if used_up := set(keys) - counted:
            raise _too_many(session, used_up, at=at)


def _upsert(values: list[dict[str, Any]], *, at: datetime) -> Any:
    statement: Any = insert_into(LoginTry).values(values)
    is_over = LoginTry.since <= at - WINDOW
    limit = case(
        *((LoginTry.key.startswith(f"{kind}:"), allowed) for kind, allowed in LIMITS.items()),
        else_=0,
    )
    return statement.on_conflict_do_update(
        index_elements=[LoginTry.key],
        set_={
            "failures": case((is_over, 1), else_=LoginTry.failures + 1),
            "since": case((is_over, at), else_=LoginTry.since),
        },
        where=or_(is_over, LoginTry.failures < limit),
    ).returning(LoginTry.key)


def _too_many(session: Session, used_up: set[str], *, at: datetime) -> TooManyTries:
    since = session.execute(SINCE, {"keys": list(used_up)}).scalar() or at
    wait_s = max(1, ceil((since + WINDOW - at).total_seconds()))
    return TooManyTries(
        _("That were many tries in a short time. Please wait %(minutes)d minutes, then try again.", minutes=ceil(wait_s / 60)),
        retry_after_s=wait_s,
    )


def forgive(session: Session, *, account: str, network: str) -> None:
    """After a right password: the account's count goes, and this try no longer counts for the network. In the order in which tries are counted."""
    session.execute(FORGET, {"account": account})
    session.execute(TAKE_BACK, {"network": network})


def take_back_try(key: str) -> None:
    """What was tried was right: it does not count."""
    with transaction(is_aside=True) as session:
        session.execute(TAKE_BACK, {"network": key})


def sweep_tries(at: datetime) -> None:
    """Forget windows that are over."""
    with transaction(is_aside=True) as session:
        session.execute(SWEEP, {"window_start": at - WINDOW})
