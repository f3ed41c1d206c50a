"""Writing down how money moved. The order's row is claimed by the caller, so that balances do not move meanwhile."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import cast

from sqlalchemy import Table, insert

from shop.db import connection, insert_into, transaction
from shop.ledger.models import Account, Cause, Entry, Posting

_postings, _entries = cast("Table", Posting.__table__), cast("Table", Entry.__table__)
WRITE = insert(_entries)


def post(
    order_id: int,
    cause: Cause,
    key: str,
    amounts: Mapping[Account, int],
    *,
    currency: str,
    gateway: str = "",
    by: str,
    at: datetime,
) -> bool:
    """Write one posting with its entries; accounts with nothing are left out. Called again with the same key it writes nothing and gives False.

    Raises:
        ValueError: the amounts do not sum to zero; that is a mistake in the shop's code.
    """
    moved = {account: minor for account, minor in amounts.items() if minor}
    if sum(moved.values()):
        raise ValueError(f"{key}: {moved} does not sum to zero")
    if not moved:
        return False
    columns = {
        "order_id": order_id,
        "cause": cause,
        "key": key,
        "currency": currency,
        "gateway": gateway,
        "actor": by,
        "at": at,
    }
    with transaction():
        posting_id = _insert(columns)
        if posting_id is None:
            return False
        connection().execute(WRITE, [{"posting_id": posting_id, "account": account, "minor": minor} for account, minor in moved.items()])
    return True


def _insert(columns: dict[str, object]) -> int | None:
    statement = insert_into(_postings).values(**columns).on_conflict_do_nothing(index_elements=["key"]).returning(_postings.c.id)
    posting_id: int | None = connection().execute(statement).scalar()
    return posting_id
