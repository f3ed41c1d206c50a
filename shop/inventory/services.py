"""Taking pieces out of stock and putting them back. Every change of ``on_hand`` has a row in the ledger; the two never differ.

What is scarce changes in one guarded statement. After a change, whoever called tells the catalog (``shop.catalog.listing.refresh_availability``)
when a variant became few, sold out or available again: see ``StockLeft``.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from functools import lru_cache
from typing import Any, NamedTuple, cast

from flask_babel import gettext as _
from sqlalchemy import BigInteger, Boolean, CursorResult, Table, TextualSelect, bindparam, column, insert, select, text, update

from shop.db import connection, is_sqlite, transaction
from shop.errors import Invalid, OutOfStock
from shop.inventory.models import Reason, StockItem, StockMovement

MOST_ON_HAND = 1_000_000_000

_items = cast("Table", StockItem.__table__)
_movements = cast("Table", StockMovement.__table__)
LEVELS = select(StockItem.variant_id, StockItem.on_hand, StockItem.is_tracked).where(
    StockItem.variant_id.in_(bindparam("ids", expanding=True))
)
HELD_LEVELS = LEVELS.order_by(StockItem.variant_id).with_for_update()  # a sale between reading and writing would be missing in the ledger
HOLD = (
    update(_items)
    .where(_items.c.variant_id == bindparam("variant"))
    .values(on_hand=_items.c.on_hand)
    .returning(_items.c.on_hand, _items.c.low_at)
)
SET = update(_items).where(_items.c.variant_id == bindparam("variant")).values(on_hand=bindparam("level"))
MOVE = insert(_movements)


class StockLeft(NamedTuple):
    """How many pieces of a counted variant there are now, and from which number on that is few."""

    variant_id: int
    on_hand: int
    low_at: int

    @property
    def is_few(self) -> bool:
        return self.on_hand <= self.low_at


def take_stock(wanted: Sequence[tuple[int, int]], *, reference: str, actor: str, at: datetime) -> list[StockLeft]:
    """Take pieces for all lines, ``(variant_id, pieces)``, or none at all. Gives what is left of those that are counted.

    The same variant on two lines is summed. Variants that nobody counts pass. ``reference`` (an order's number) and ``actor`` go to the ledger.

    Raises:
        OutOfStock: somebody was faster; ``extras["lines"]`` names ``{variant_id, wanted, available}``. Nothing was taken.
    """
    pieces = _summed(wanted)
    with transaction():
        moved = _move(pieces, "-", "stock_items.on_hand >= wanted.pieces")
        if len(moved) < len(pieces):
            _refuse_short({variant_id: count for variant_id, count in pieces.items() if variant_id not in {left[0] for left in moved}})
        counted = [StockLeft(*left[:3]) for left in moved if left.is_tracked]
        _write_ledger({left.variant_id: -pieces[left.variant_id] for left in counted}, Reason.ORDER, reference, actor, at)
    return counted


def give_back_stock(
    wanted: Sequence[tuple[int, int]], *, reason: Reason | str, reference: str, actor: str, at: datetime
) -> list[StockLeft]:
    """Put pieces back, ``(variant_id, pieces)``: an order was canceled, goods came back. What is not counted or no longer exists passes."""
    pieces = _summed(wanted)
    if not pieces:
        return []
    with transaction():
        moved = _move(pieces, "+", f"stock_items.on_hand + wanted.pieces <= {MOST_ON_HAND}")
        counted = [StockLeft(*left[:3]) for left in moved if left.is_tracked]
        _write_ledger({left.variant_id: pieces[left.variant_id] for left in counted}, Reason(reason), reference, actor, at)
    return counted


def set_stock(
    variant_id: int, on_hand: int, *, reason: Reason | str, actor: str, at: datetime, reference: str = "", is_tracked: bool | None = None
) -> StockLeft:
    """Say how many pieces there are, as counted or received; the ledger gets the difference. A variant without a stock item gets one.

    Raises:
        Invalid: fewer than 0 or more than a thousand million.
    """
    if not 0 <= on_hand <= MOST_ON_HAND:
        raise Invalid({"stock": [_("Write a whole number from %(low)s to %(high)s.", low=0, high=MOST_ON_HAND)]})
    with transaction() as session:
        held = session.connection().execute(HOLD, {"variant": variant_id}).first()
        if held is None:
            session.execute(insert(StockItem), {"variant_id": variant_id, "on_hand": 0, "is_tracked": True})
            held = session.connection().execute(HOLD, {"variant": variant_id}).one()
        if is_tracked is not None:
            session.execute(
                update(StockItem).where(StockItem.variant_id == variant_id).values(is_tracked=is_tracked),
                execution_options={"synchronize_session": False},
            )
        if held.on_hand != on_hand:
            session.connection().execute(SET, {"variant": variant_id, "level": on_hand})
            _write_ledger({variant_id: on_hand - held.on_hand}, Reason(reason), reference, actor, at)
        return StockLeft(variant_id, on_hand, held.low_at)


def record_import_stock(levels: Mapping[int, int | None], *, reference: str, at: datetime) -> set[int]:
    """Set the stock of many variants as a file says; None means that nobody counts it. Gives the ids of those that changed.

    A fixed number of statements for any number of variants. What already is so is not written again.
    """
    with transaction() as session:
        link = session.connection()
        known = {level.variant_id: level for level in link.execute(HELD_LEVELS, {"ids": list(levels)})} if levels else {}
        new = [
            {"variant_id": variant_id, "on_hand": level or 0, "low_at": 3, "is_tracked": level is not None}
            for variant_id, level in levels.items()
            if variant_id not in known
        ]
        changed = [
            {"variant": variant_id, "level": found.on_hand if levels[variant_id] is None else levels[variant_id], "tracked": is_tracked}
            for variant_id, found in known.items()
            if (is_tracked := levels[variant_id] is not None) != found.is_tracked or levels[variant_id] not in {None, found.on_hand}
        ]
        if new:
            link.execute(insert(_items), new)
        if changed:
            link.execute(SET.values(on_hand=bindparam("level"), is_tracked=bindparam("tracked")), changed)
        moves = {row["variant_id"]: row["on_hand"] for row in new}
        moves |= {row["variant"]: row["level"] - known[row["variant"]].on_hand for row in changed}
        _write_ledger(moves, Reason.IMPORT, reference, "", at)
        return {row["variant_id"] for row in new} | {row["variant"] for row in changed}


def _summed(wanted: Iterable[tuple[int, int]]) -> dict[int, int]:
    """Pieces by variant, in the order of ids: two lines may want the same variant."""
    pieces: Counter[int] = Counter()
    for variant_id, count in wanted:
        if count <= 0:
            raise ValueError("stock moves in pieces of one or more")
        pieces[variant_id] += count
    return dict(sorted(pieces.items()))


def _move(pieces: Mapping[int, int], sign: str, guard: str) -> list[Any]:
    """Change the stock of all variants in one statement; gives those that the guard let pass."""
    if not pieces:
        return []
    values: dict[str, int] = {}
    for place, (variant_id, count) in enumerate(pieces.items()):
        values[f"id_{place}"], values[f"pieces_{place}"] = variant_id, count
    result: CursorResult[Any] = connection().execute(_statement(len(pieces), sign, guard, locks=not is_sqlite()), values)
    return list(result.all())


@lru_cache(maxsize=512)
def _statement(lines: int, sign: str, guard: str, *, locks: bool) -> TextualSelect:
    """One guarded UPDATE over a list of values. On PostgreSQL rows are locked in the order of ids first: sorted values alone still deadlock.

    Kept per number of lines, as text: SQLAlchemy compiles a VALUES list anew each time.
    """
    wanted = ", ".join(f"(CAST(:id_{place} AS BIGINT), CAST(:pieces_{place} AS BIGINT))" for place in range(lines))
    locked = """, locked AS (
        SELECT variant_id FROM stock_items WHERE variant_id IN (SELECT variant_id FROM wanted) ORDER BY variant_id FOR UPDATE)"""
    return text(f"""
        WITH wanted(variant_id, pieces) AS (VALUES {wanted}){locked if locks else ""}
        UPDATE stock_items SET on_hand = CASE WHEN is_tracked THEN on_hand {sign} wanted.pieces ELSE on_hand END
        FROM wanted{", locked" if locks else ""}
        WHERE stock_items.variant_id = wanted.variant_id{" AND locked.variant_id = wanted.variant_id" if locks else ""}
          AND (NOT stock_items.is_tracked OR {guard})
        RETURNING stock_items.variant_id, stock_items.on_hand, stock_items.low_at, stock_items.is_tracked""").columns(  # noqa: S608
        column("variant_id", BigInteger), column("on_hand", BigInteger), column("low_at", BigInteger), column("is_tracked", Boolean)
    )


def _refuse_short(pieces: Mapping[int, int]) -> None:
    """Of the variants that did not pass, those without a stock item are not counted; the others are short."""
    found = connection().execute(LEVELS, {"ids": list(pieces)}).all()
    short = [{"variant_id": item.variant_id, "wanted": pieces[item.variant_id], "available": item.on_hand} for item in found]
    if short:
        raise OutOfStock(
            _("Somebody was faster: there are not enough pieces left."), lines=sorted(short, key=lambda line: line["variant_id"])
        )


def _write_ledger(moves: Mapping[int, int], reason: Reason, reference: str, actor: str, at: datetime) -> None:
    entries = [
        {"variant_id": variant_id, "delta": delta, "reason": reason, "reference": reference, "actor": actor, "at": at}
        for variant_id, delta in moves.items()
        if delta
    ]
    if entries:
        connection().execute(MOVE, entries)
