"""Using promotions up: an order claims one use of each that it carries, and gives it back when it is canceled.

A limit holds by two statements, whatever quotes were shown. The first raises ``promotions.used``, guarded by its limit, and holds the rows until the
commit: whoever else wants a use of the same promotions waits. The second writes the redemptions, guarded by what this code and this customer used
before; nobody can write one meanwhile. There is no shorter way for promotions without limits: a limit that staff sets later counts from the truth.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple, cast

from sqlalchemy import Table, and_, bindparam, func, insert, or_, select, update

from shop.db import connection, rows, transaction
from shop.errors import N_, Conflict
from shop.promotion.models import Promotion, PromotionCode, Redemption

promotions, codes = cast("Table", Promotion.__table__), cast("Table", PromotionCode.__table__)
redemptions = cast("Table", Redemption.__table__)


class UsesTaken(Conflict):
    """Somebody was faster: a promotion or its code has no use left for this customer."""

    slug, title = "uses-taken", N_("Somebody was faster")


class Use(NamedTuple):
    """A promotion that an order carries, and the code that opened it."""

    promotion_id: int
    code_id: int | None = None


_held = (
    select(promotions.c.id)
    .where(promotions.c.id.in_(bindparam("ids", expanding=True)))
    .order_by(promotions.c.id)  # one order for everybody: nobody waits for somebody who waits for them
    .with_for_update()
    .cte("held")
)
CLAIM = (
    update(promotions)
    .where(
        promotions.c.id.in_(select(_held.c.id)),
        promotions.c.ended_at.is_(None),
        or_(promotions.c.max_uses.is_(None), promotions.c.used < promotions.c.max_uses),
    )
    .values(used=promotions.c.used + 1)
    .returning(promotions.c.id)
)
_earlier = redemptions.alias("earlier")
_by_customer = (
    select(func.count())
    .where(
        _earlier.c.promotion_id == promotions.c.id,
        _earlier.c.released_at.is_(None),
        or_(_earlier.c.email == bindparam("use_email"), _earlier.c.user_id == bindparam("use_user_id")),
    )
    .correlate(promotions)
    .scalar_subquery()
)
_by_code = select(func.count()).where(_earlier.c.code_id == codes.c.id, _earlier.c.released_at.is_(None)).correlate(codes).scalar_subquery()
_allowed = (
    select(
        promotions.c.id,
        codes.c.id,
        bindparam("use_order_id", type_=redemptions.c.order_id.type),
        bindparam("use_user_id", type_=redemptions.c.user_id.type),
        bindparam("use_email", type_=redemptions.c.email.type),
        bindparam("use_at", type_=redemptions.c.at.type),
    )
    .select_from(
        promotions.outerjoin(codes, and_(codes.c.promotion_id == promotions.c.id, codes.c.id.in_(bindparam("code_ids", expanding=True))))
    )
    .where(
        promotions.c.id.in_(bindparam("ids", expanding=True)),
        or_(promotions.c.max_uses_each.is_(None), _by_customer < promotions.c.max_uses_each),
        or_(codes.c.id.is_not(None), promotions.c.needs_code.is_(False)),
        codes.c.ended_at.is_(None),
        or_(codes.c.max_uses.is_(None), _by_code < codes.c.max_uses),
    )
)
REDEEM = (
    insert(redemptions)
    .from_select(["promotion_id", "code_id", "order_id", "user_id", "email", "at"], _allowed)
    .returning(redemptions.c.promotion_id)
)
RELEASE = (
    update(redemptions)
    .where(redemptions.c.order_id == bindparam("of_order"), redemptions.c.released_at.is_(None))
    .values(released_at=bindparam("gone_at", type_=redemptions.c.released_at.type))
    .returning(redemptions.c.promotion_id)
)
LOWER = update(promotions).where(promotions.c.id.in_(select(_held.c.id))).values(used=promotions.c.used - 1)


_again = redemptions.alias("again")
HELD_AGAIN = select(_again.c.promotion_id).where(_again.c.order_id == bindparam("of_order"), _again.c.released_at.is_not(None))
_left_of_code = (
    select(codes.c.id)
    .where(
        codes.c.id == redemptions.c.code_id,
        codes.c.ended_at.is_(None),
        or_(codes.c.max_uses.is_(None), _by_code < codes.c.max_uses),
    )
    .correlate(redemptions)
    .exists()
)
_left_for_customer = (
    select(promotions.c.id)
    .where(
        promotions.c.id == redemptions.c.promotion_id,
        or_(
            promotions.c.max_uses_each.is_(None),
            select(func.count())
            .where(
                _earlier.c.promotion_id == promotions.c.id,
                _earlier.c.released_at.is_(None),
                or_(_earlier.c.email == redemptions.c.email, _earlier.c.user_id == redemptions.c.user_id),
            )
            .correlate(promotions, redemptions)
            .scalar_subquery()
            < promotions.c.max_uses_each,
        ),
    )
    .correlate(redemptions)
    .exists()
)
RETAKE = (
    update(redemptions)
    .where(
        redemptions.c.order_id == bindparam("of_order"),
        redemptions.c.released_at.is_not(None),
        or_(redemptions.c.code_id.is_(None), _left_of_code),
        _left_for_customer,
    )
    .values(released_at=None)
    .returning(redemptions.c.promotion_id)
)


def claim_uses(order_id: int, uses: Sequence[Use], *, email: str, user_id: int | None, at: datetime) -> None:
    """Use each promotion once for this order, or none of them. Two statements.

    Raises:
        UsesTaken: one has no use left, or was ended: in all, of its code, or for this customer. Nothing is used; the caller quotes anew.
    """
    if not uses:
        return
    ids = sorted({use.promotion_id for use in uses})
    with transaction():
        if len(connection().execute(CLAIM, {"ids": ids}).all()) < len(ids):
            raise UsesTaken
        given = {
            "ids": ids,
            "code_ids": [use.code_id for use in uses if use.code_id is not None],
            "use_order_id": order_id,
            "use_user_id": user_id,
            "use_email": email,
            "use_at": at,
        }
        if len(connection().execute(REDEEM, given).all()) < len(ids):
            raise UsesTaken


def release_uses(order_id: int, *, at: datetime) -> None:
    """The order was canceled: others may have its uses. Called twice it releases once. One statement, two when there is something to release."""
    with transaction():
        ids = sorted(found.promotion_id for found in rows(RELEASE, of_order=order_id, gone_at=at))
        if ids:
            connection().execute(LOWER, {"ids": ids})


def claim_uses_again(order_id: int) -> bool:
    """An order that ended goes on after all: it needs the uses that it had. False when somebody else has them now; then some may be claimed already,
    and the caller undoes its transaction or its savepoint."""
    with transaction():
        ids = sorted(found.promotion_id for found in rows(HELD_AGAIN, of_order=order_id))
        if not ids:
            return True
        if len(connection().execute(CLAIM, {"ids": ids}).all()) < len(ids):
            return False
        return len(connection().execute(RETAKE, {"of_order": order_id}).all()) == len(ids)
