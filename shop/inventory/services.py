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
from sqlalchemy import (
    BigInteger,
    Boolean,
    CursorResult,
    Table,
    TextualSelect,
    and_,
    bindparam,
    case,
    column,
    func,
    insert,
    select,
    text,
    update,
)

from shop.db import UtcDateTime, connection, insert_into, is_sqlite, row, transaction
from shop.errors import Invalid, OutOfStock
from shop.inventory.models import Reason, StockItem, StockMovement
from shop.inventory.refusals import tell_refusal

MOST_ON_HAND = 1_000_000_000
MOST_BACKORDER, MOST_LEAD_DAYS = 1_000_000, 365

_items = cast("Table", StockItem.__table__)
_movements = cast("Table", StockMovement.__table__)
LEVELS = select(StockItem.variant_id, StockItem.on_hand, StockItem.backorder_to, StockItem.is_tracked).where(
    StockItem.variant_id.in_(bindparam("ids", expanding=True))
)
HOLD = (
    update(_items)
    .where(_items.c.variant_id == bindparam("variant"))
    .values(on_hand=_items.c.on_hand)
    .returning(_items.c.on_hand, _items.c.low_at)
)
SET = update(_items).where(_items.c.variant_id == bindparam("variant")).values(on_hand=bindparam("level"))
MOVE = insert(_movements)
_SINCE = case(  # counting goes on, begins, or ends
    (
        and_(_items.c.is_tracked, bindparam("tracked", type_=Boolean)),
        func.coalesce(_items.c.tracked_since, bindparam("at", type_=UtcDateTime)),
    ),
    (bindparam("tracked", type_=Boolean), bindparam("at", type_=UtcDateTime)),
    else_=None,
)
TRACK = (
    update(_items)
    .where(_items.c.variant_id == bindparam("variant"))
    .values(is_tracked=bindparam("tracked", type_=Boolean), tracked_since=_SINCE)
)
OF_AN_ORDER = frozenset({Reason.CANCELLATION, Reason.RETURN})
TAKEN = (
    select(_movements.c.variant_id, (-func.sum(_movements.c.delta)).label("pieces"))
    .where(_movements.c.reference == bindparam("reference"), _movements.c.reason.in_([Reason.SALE, *OF_AN_ORDER]))
    .group_by(_movements.c.variant_id)
)


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
    try:
        with transaction():
            return _take(pieces, reference, actor, at)
    except OutOfStock as refusal:
        tell_refusal("order", (line["variant_id"] for line in refusal.extras["lines"]))
        raise


def try_to_take_stock(wanted: Sequence[tuple[int, int]], *, reference: str, actor: str, at: datetime) -> list[StockLeft] | None:
    """``take_stock`` for whoever goes on without: None when not all pieces are there, and nothing was taken. Only inside ``transaction()``."""
    try:
        with connection().begin_nested():
            return _take(_summed(wanted), reference, actor, at)
    except OutOfStock:
        return None


def give_back_stock(
    wanted: Sequence[tuple[int, int]], *, reason: Reason | str, reference: str, actor: str, at: datetime
) -> list[StockLeft]:
    """Put pieces back, ``(variant_id, pieces)``: an order was canceled, goods came back. What no longer exists passes.

    Of an order (``reference``) no more comes back than it took, however often somebody asks: what nobody counted when it was sold holds nothing.
    """
    pieces = _summed(wanted)
    with transaction():
        if reason in OF_AN_ORDER:
            taken = {found.variant_id: int(found.pieces) for found in connection().execute(TAKEN, {"reference": reference})}
            pieces = {variant_id: back for variant_id, count in pieces.items() if (back := min(count, taken.get(variant_id, 0))) > 0}
        if not pieces:
            return []
        moved = _move(pieces, "+", f"stock_items.on_hand + wanted.pieces <= {MOST_ON_HAND}", also_uncounted=reason in OF_AN_ORDER)
        counted = [StockLeft(*left[:3]) for left in moved if left.is_tracked]
        written = moved if reason in OF_AN_ORDER else counted
        _write_ledger({left.variant_id: pieces[left.variant_id] for left in written}, Reason(reason), reference, actor, at)
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
            _begin_to_count([variant_id])
            is_tracked = True if is_tracked is None else is_tracked
            held = session.connection().execute(HOLD, {"variant": variant_id}).one()
        if is_tracked is not None:
            connection().execute(TRACK, {"variant": variant_id, "tracked": is_tracked, "at": at})
        if held.on_hand != on_hand:
            session.connection().execute(SET, {"variant": variant_id, "level": on_hand})
            _write_ledger({variant_id: on_hand - held.on_hand}, Reason(reason), reference, actor, at)
        return StockLeft(variant_id, on_hand, held.low_at)


class Backorder(NamedTuple):
    """How many pieces more than there are may be sold, and in how many days they ship."""

    most: int
    lead_days: int = 0


def set_backorder(variant_id: int, most: int, *, lead_days: int) -> None:
    """Let ``most`` more pieces be sold than there are (0: none), which ship in about ``lead_days``. A variant that nobody counts needs none.

    Raises:
        Invalid: more than that are sold already.
    """
    with transaction():
        allowed = update(_items).where(_items.c.variant_id == variant_id, _items.c.on_hand >= -most)
        done = connection().execute(allowed.values(backorder_to=most, lead_days=lead_days))
        if done.rowcount == 0 and row(select(StockItem.on_hand).where(StockItem.variant_id == variant_id)) is not None:
            raise Invalid({"backorder_to": [_("More than that are sold already. Book a delivery first, or allow more.")]})


def _begin_to_count(variant_ids: Sequence[int]) -> None:
    """Stock items of nothing where there are none yet. Somebody else may do the same this moment: both go on."""
    rows = [{"variant_id": variant_id, "on_hand": 0, "low_at": 3, "is_tracked": False} for variant_id in variant_ids]
    connection().execute(insert_into(_items).on_conflict_do_nothing(), rows)


def _summed(wanted: Iterable[tuple[int, int]]) -> dict[int, int]:
    """Pieces by variant, in the order of ids: two lines may want the same variant."""
    pieces: Counter[int] = Counter()
    for variant_id, count in wanted:
        if count <= 0:
            raise ValueError("stock moves in pieces of one or more")
        pieces[variant_id] += count
    return dict(sorted(pieces.items()))


def _take(pieces: Mapping[int, int], reference: str, actor: str, at: datetime) -> list[StockLeft]:
    moved = _move(pieces, "-", "stock_items.on_hand + stock_items.backorder_to >= wanted.pieces")
    if len(moved) < len(pieces):
        _refuse_short({variant_id: count for variant_id, count in pieces.items() if variant_id not in {left[0] for left in moved}})
    counted = [StockLeft(*left[:3]) for left in moved if left.is_tracked]
    _write_ledger({left.variant_id: -pieces[left.variant_id] for left in counted}, Reason.SALE, reference, actor, at)
    return counted


def _move(pieces: Mapping[int, int], sign: str, guard: str, *, also_uncounted: bool = False) -> list[Any]:
    """Change the stock of all variants in one statement; gives those that the guard let pass. ``also_uncounted``: what was counted once comes back."""
    if not pieces:
        return []
    values: dict[str, int] = {}
    for place, (variant_id, count) in enumerate(pieces.items()):
        values[f"id_{place}"], values[f"pieces_{place}"] = variant_id, count
    result: CursorResult[Any] = connection().execute(
        _statement(len(pieces), sign, guard, also_uncounted=also_uncounted, locks=not is_sqlite()), values
    )
    return list(result.all())


@lru_cache(maxsize=512)
def _statement(lines: int, sign: str, guard: str, *, also_uncounted: bool, locks: bool) -> TextualSelect:
    """One guarded UPDATE over a list of values. On PostgreSQL rows are locked in the order of ids first: sorted values alone still deadlock.

    Kept per number of lines, as text: SQLAlchemy compiles a VALUES list anew each time.
    """
    wanted = ", ".join(f"(CAST(:id_{place} AS BIGINT), CAST(:pieces_{place} AS BIGINT))" for place in range(lines))
    locked = """, locked AS (
        SELECT variant_id FROM stock_items WHERE variant_id IN (SELECT variant_id FROM wanted) ORDER BY variant_id FOR UPDATE)"""
    moved = f"on_hand {sign} wanted.pieces"
    moved = moved if also_uncounted else f"CASE WHEN is_tracked THEN {moved} ELSE on_hand END"
    return text(f"""
        WITH wanted(variant_id, pieces) AS (VALUES {wanted}){locked if locks else ""}
        UPDATE stock_items SET on_hand = {moved}
        FROM wanted{", locked" if locks else ""}
        WHERE stock_items.variant_id = wanted.variant_id{" AND locked.variant_id = wanted.variant_id" if locks else ""}
          AND (NOT stock_items.is_tracked OR {guard})
        RETURNING stock_items.variant_id, stock_items.on_hand, stock_items.low_at, stock_items.is_tracked""").columns(  # noqa: S608
        column("variant_id", BigInteger), column("on_hand", BigInteger), column("low_at", BigInteger), column("is_tracked", Boolean)
    )


def _refuse_short(pieces: Mapping[int, int]) -> None:
    """Of the variants that did not pass, those without a stock item are not counted; the others are short."""
    found = connection().execute(LEVELS, {"ids": list(pieces)}).all()
    short = [
        {"variant_id": item.variant_id, "wanted": pieces[item.variant_id], "available": item.on_hand + item.backorder_to} for item in found
    ]
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
