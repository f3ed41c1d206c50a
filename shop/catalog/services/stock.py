"""The one door from the catalog to the inventory's ledger."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from flask_babel import gettext as _
from sqlalchemy import insert, update

from shop.db import transaction
from shop.errors import Conflict
from shop.inventory.models import Reason, StockItem
from shop.inventory.services import give_back_stock, set_stock


def start_stock(variant_id: int, on_hand: int | None, *, low_at: int, by: str, at: datetime) -> None:
    """Begin to count a new variant's pieces; None: nobody counts them."""
    with transaction() as session:
        session.execute(
            insert(StockItem).values(
                variant_id=variant_id,
                on_hand=0,
                low_at=low_at,
                is_tracked=on_hand is not None,
                tracked_since=None if on_hand is None else at,
            )
        )
        if on_hand:
            set_stock(variant_id, on_hand, reason=Reason.COUNT, actor=by, at=at)


def count_stock(variant_id: int, on_hand: int | None, *, low_at: int | None, reason: str, by: str, at: datetime) -> None:
    """Set the pieces; the ledger gets the difference. None: nobody counts them from now on."""
    with transaction() as session:
        if on_hand is not None:
            set_stock(variant_id, on_hand, reason=reason, actor=by, at=at, is_tracked=True)
        columns: dict[str, object] = {} if on_hand is not None else {"is_tracked": False, "tracked_since": None}
        if low_at is not None:
            columns["low_at"] = low_at
        if columns:
            changed = update(StockItem).where(StockItem.variant_id == variant_id).values(**columns)
            session.execute(changed, execution_options={"synchronize_session": False})


def book(numbers: Mapping[int, int], *, reason: str, by: str, at: datetime) -> None:
    """A delivery adds to what is there; any other reason says what is there. Variants in the order of their ids."""
    with transaction():
        if reason != Reason.DELIVERY:
            for variant_id, on_hand in numbers.items():
                set_stock(variant_id, on_hand, reason=reason, actor=by, at=at, is_tracked=True)
            return
        came = [(variant_id, count) for variant_id, count in numbers.items() if count]
        if len(give_back_stock(came, reason=reason, reference="", actor=by, at=at)) < len(came):
            raise Conflict(_("Nobody counts some of these yet. Say how many there are first."))


def mark_low(variant_id: int, low_at: int) -> None:
    """From this number on the variant counts as running low."""
    with transaction() as session:
        marked = update(StockItem).where(StockItem.variant_id == variant_id).values(low_at=low_at)
        session.execute(marked, execution_options={"synchronize_session": False})
