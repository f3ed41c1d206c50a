"""How often somebody may try: one function, ``count_try``, for all limits of the shop.

Whoever guesses (log-ins, codes, orders) or has us write mails is counted in ``login_tries`` by guarded counters, the same for all processes and
machines, which nothing but the database can forget. A window of 15 minutes allows so many tries per key; then the caller waits until it ends, at most
15 minutes, whatever goes on meanwhile. Tries are counted before the password is checked, so that a hundred at once do not slip through. Keys of an
account are apart for networks from which its owner has logged in before: who knocks from elsewhere can slow down strangers, not the owner at home.
The shelf that processes share (``shop.cache``), where there is one, remembers for a minute who is being refused, so that a flood costs the database
nothing; without it, or when it is emptied, the database is asked each time. It can only ever refuse, never let in.

Whoever asks very much (search, programs) is counted by the minute in the cache: over all processes with Redis, else in each of them. To lose
such a count costs nothing.
"""

from __future__ import annotations

import hashlib
from datetime import datetime, timedelta
from math import ceil
from typing import Any

from flask import current_app
from flask_babel import gettext as _
from sqlalchemy import bindparam, case, delete, func, or_, select, update
from sqlalchemy.orm import Session

from shop.auth.models import LoginTry
from shop.cache import this_cache
from shop.db import after_commit, insert_into, transaction
from shop.errors import TooManyTries

WINDOW = timedelta(minutes=15)
LIMITS = {"account": 10, "network": 60, "newcomer": 20, "order": 20, "code": 20, "mail": 5, "second": 10}
FLOODS = {"search": "search_limit", "api": "api_limit"}  # by the setting that says how many in a minute
MINUTE_S = 60.0
REFUSED, REFUSED_S = "refused", 60  # so long a refusal is remembered on the shelf
THIS_MACHINE = {"127.0.0.1", "::/64"}
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


def search_key(network: str) -> str:
    """Counts searches and suggestions for one network."""
    return f"search:{network}"


def api_key(network: str) -> str:
    """Counts what programs ask from one network."""
    return f"api:{network}"


def count_try(*keys: str, at: datetime) -> None:
    """Count one try under each key, or none of them.

    Raises:
        TooManyTries: one of them is used up; says how long to wait.
    """
    guesses = [key for key in keys if key.partition(":")[0] not in FLOODS]
    for key in set(keys).difference(guesses):
        _count_asking(key)
    if guesses:
        _refuse_known(guesses, at=at)
        _count_guess(guesses, at=at)


def _count_asking(key: str) -> None:
    """Who is on this very machine is not limited: behind a proxy that the settings do not mention, that would be every visitor."""
    kind, _colon, network = key.partition(":")
    most = int(getattr(current_app.extensions["config"], FLOODS[kind]))
    if not most or network in THIS_MACHINE:
        return
    number, ends_in_s = this_cache().count("limit", key, window_s=MINUTE_S)
    if number > most:
        raise _too_many(max(1, ceil(ends_in_s)))


def _count_guess(keys: list[str], *, at: datetime) -> None:
    used_up: set[str] = set()
    try:
        with transaction(is_aside=True) as session:
            values = [{"key": key, "failures": 1, "since": at} for key in sorted(keys)]
            counted = {found.key for found in session.execute(_upsert(values, at=at))}
            used_up = set(keys) - counted
            if used_up:
                raise _too_many(_wait_s(session, used_up, at=at))
    except TooManyTries as refusal:
        ends_at = at.timestamp() + refusal.extras["retry_after_s"]
        this_cache().tell_all(REFUSED, dict.fromkeys(used_up, ends_at), ttl_s=REFUSED_S)
        raise


def _refuse_known(keys: list[str], *, at: datetime) -> None:
    """Who was refused a moment ago, here or by another process, is refused again before the database is asked."""
    ends_at = [float(told) for told in this_cache().told_by_all(REFUSED, keys) if told]
    wait_s = ceil(max(ends_at, default=0.0) - at.timestamp())
    if wait_s > 0:
        raise _too_many(wait_s)


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


def _wait_s(session: Session, used_up: set[str], *, at: datetime) -> int:
    since = session.execute(SINCE, {"keys": list(used_up)}).scalar() or at
    return max(1, ceil((since + WINDOW - at).total_seconds()))


def _too_many(wait_s: int) -> TooManyTries:
    return TooManyTries(
        _("That were many tries in a short time. Please wait %(minutes)d minutes, then try again.", minutes=ceil(wait_s / 60)),
        retry_after_s=wait_s,
    )


def forgive(session: Session, *, account: str, network: str) -> None:
    """After a right password: the account's count goes, and this try no longer counts for the network. In the order in which tries are counted."""
    session.execute(FORGET, {"account": account})
    session.execute(TAKE_BACK, {"network": network})
    after_commit(lambda: this_cache().take_from_all(REFUSED, [account, network]))


def take_back_try(key: str) -> None:
    """What was tried was right: it does not count."""
    with transaction(is_aside=True) as session:
        session.execute(TAKE_BACK, {"network": key})
        after_commit(lambda: this_cache().take_from_all(REFUSED, [key]))


def sweep_tries(at: datetime) -> None:
    """Forget windows that are over."""
    with transaction(is_aside=True) as session:
        session.execute(SWEEP, {"window_start": at - WINDOW})
