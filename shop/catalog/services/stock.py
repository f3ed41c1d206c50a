"""The one door from the catalog to the inventory's ledger."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import insert, select, update

from shop.db import transaction
from shop.inventory.models import Reason, StockItem, StockMovement


def start_stock(variant_id: int, on_hand: int | None, *, low_at: int, by: str, at: datetime) -> None:
    """Begin to count a new variant's pieces; None: nobody counts them."""
    with transaction() as session:
        session.execute(
            insert(StockItem).values(variant_id=variant_id, on_hand=on_hand or 0, low_at=low_at, is_tracked=on_hand is not None)
        )
        if on_hand:
            session.execute(
                insert(StockMovement).values(variant_id=variant_id, delta=on_hand, reason=Reason.COUNT, reference="", actor=by, at=at)
            )


def count_stock(variant_id: int, on_hand: int | None, *, low_at: int | None, reason: str, by: str, at: datetime) -> None:
    """Set the pieces; the ledger gets the difference. None: nobody counts them from now on."""
    with transaction() as session:
        found = session.execute(select(StockItem.on_hand).where(StockItem.variant_id == variant_id).with_for_update()).first()
        if found is None:
            start_stock(variant_id, on_hand, low_at=3 if low_at is None else low_at, by=by, at=at)
            return
        columns: dict[str, object] = {"is_tracked": on_hand is not None}
        if low_at is not None:
            columns["low_at"] = low_at
        if on_hand is not None:
            columns["on_hand"] = on_hand
        session.execute(
            update(StockItem).where(StockItem.variant_id == variant_id).values(**columns), execution_options={"synchronize_session": False}
        )
        delta = 0 if on_hand is None else on_hand - found.on_hand
        if delta:
            session.execute(
                insert(StockMovement).values(variant_id=variant_id, delta=delta, reason=Reason(reason), reference="", actor=by, at=at)
            )
