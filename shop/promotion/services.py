"""The verbs of staff on promotions and codes, the only writers of their tables but for uses, which orders claim (``uses``).

Every change tells the memory of all processes (``touch_topic``), so that a page says within a second what counts.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any, cast

from flask import current_app
from flask_babel import gettext as _
from sqlalchemy import Row, Table, and_, bindparam, delete, func, insert, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from shop.catalog.models import Category, Product, Variant
from shop.customer.models import CustomerGroup
from shop.db import connection, row, rows, transaction
from shop.errors import N_, Conflict, Invalid, NotFound, StaleVersion
from shop.promotion.codes import LONGEST_PREFIX, clean_code, new_codes
from shop.promotion.drafts import Draft, Targets, find_mistakes
from shop.promotion.models import Promotion, PromotionCode, PromotionTarget, PromotionText, PromotionTier, TargetRole
from shop.promotion.offers import TOPIC
from shop.settings.services import touch_topic

MOST_CODES = 10_000
TRIES = 5

promotions, codes = cast("Table", Promotion.__table__), cast("Table", PromotionCode.__table__)
CLAIM = (
    update(promotions)
    .where(promotions.c.id == bindparam("promotion"))
    .values(version=promotions.c.version + 1)
    .returning(promotions.c.id, promotions.c.version, promotions.c.used, promotions.c.ended_at, promotions.c.needs_code)
)
TAKEN = select(PromotionCode.code).where(PromotionCode.code.in_(bindparam("codes", expanding=True)))


class CodeTaken(Conflict):
    """Another promotion has this code."""

    slug, title = "code-taken", N_("This code exists already")


def create_promotion(draft: Draft, *, at: datetime) -> int:
    """Write a promotion; it counts from its first moment on, or at once. One with ``needs_code`` counts when it has codes.

    Raises:
        Invalid: names everything that is wrong.
    """
    with transaction() as session:
        _check(draft)
        promotion_id = session.execute(insert(Promotion).values(**draft.columns(), created_at=at).returning(Promotion.id)).scalar_one()
        _write_parts(session, promotion_id, draft)
        touch_topic(TOPIC)
    return int(promotion_id)


def change_promotion(promotion_id: int, draft: Draft, *, expected_version: int | None = None) -> None:
    """Write it anew. What it took off orders before stays as it was; a limit cannot fall below what was used.

    Raises:
        NotFound: there is no such promotion.
        StaleVersion: somebody else changed it since ``expected_version``.
        Invalid: names everything that is wrong.
    """
    with transaction() as session:
        claimed = _claim(promotion_id, expected_version)
        _check(draft)
        if draft.max_uses is not None and draft.max_uses < claimed.used:
            raise Invalid({"/max_uses": [_("It was used %(count)d times already.", count=claimed.used)]})
        if claimed.needs_code and not draft.needs_code and _has_codes(promotion_id):
            raise Invalid({"/needs_code": [_("It has codes that customers may hold. Make another promotion that works by itself.")]})
        connection().execute(update(promotions).where(promotions.c.id == promotion_id).values(**draft.columns()))
        for part in (PromotionText, PromotionTarget, PromotionTier):
            session.execute(delete(part).where(part.promotion_id == promotion_id), execution_options={"synchronize_session": False})
        _write_parts(session, promotion_id, draft)
        touch_topic(TOPIC)


def end_promotion(promotion_id: int, *, expected_version: int | None = None, at: datetime) -> None:
    """It counts no more, with all its codes. Orders keep what it took off."""
    _set_end(promotion_id, expected_version, at)


def restart_promotion(promotion_id: int, *, expected_version: int | None = None) -> None:
    """It counts again, as long as its dates and limits let it."""
    _set_end(promotion_id, expected_version, None)


def _set_end(promotion_id: int, expected_version: int | None, ended_at: datetime | None) -> None:
    with transaction():
        claimed = _claim(promotion_id, expected_version)
        if (claimed.ended_at is None) == (ended_at is None):
            return
        connection().execute(update(promotions).where(promotions.c.id == promotion_id).values(ended_at=ended_at))
        touch_topic(TOPIC)


def add_code(promotion_id: int, typed: str, *, max_uses: int | None = None, at: datetime) -> str:
    """Give a promotion a code that people can read out; gives it as it is kept.

    Raises:
        Invalid: it is no code, or the promotion works without one.
        CodeTaken: it exists already, in whatever capitals.
    """
    try:
        code = clean_code(typed)
    except ValueError as error:
        raise Invalid({"/code": [str(error)]}) from None
    with transaction():
        _claim_with_codes(promotion_id)
        values = {"promotion_id": promotion_id, "code": code, "max_uses": max_uses, "created_at": at}
        try:
            with connection().begin_nested():
                connection().execute(insert(codes), values)
        except IntegrityError:
            raise CodeTaken(_("%(code)s exists already. Take another one.", code=code)) from None
    return code


def make_codes(promotion_id: int, count: int, *, prefix: str = "", batch: str = "", max_uses: int | None = 1, at: datetime) -> list[str]:
    """Make so many codes that nobody guesses, for instance one for each letter that goes out. All of them, or none.

    Raises:
        Invalid: more than ``MOST_CODES``, a prefix that is none, or the promotion works without codes.
    """
    if not 1 <= count <= MOST_CODES:
        raise Invalid({"/count": [_("Write a whole number from %(low)s to %(high)s.", low=1, high=MOST_CODES)]})
    prefix = _clean_prefix(prefix)
    with transaction():
        _claim_with_codes(promotion_id)
        made: list[str] = []
        for _try in range(TRIES):
            drawn = new_codes(count - len(made), prefix)
            taken = {found.code for found in rows(TAKEN, codes=drawn)}
            made += [code for code in drawn if code not in taken]
            if len(made) == count:
                break
        else:
            raise RuntimeError("no free codes were found")
        values = {"promotion_id": promotion_id, "batch": batch, "max_uses": max_uses, "created_at": at}
        connection().execute(insert(codes), [{**values, "code": code} for code in made])
    return made


def end_code(code_id: int, *, promotion_id: int, at: datetime) -> None:
    """One code counts no more.

    Raises:
        NotFound: the promotion has no such code.
    """
    with transaction():
        of_it = and_(codes.c.id == code_id, codes.c.promotion_id == promotion_id)
        ended = update(codes).where(of_it).values(ended_at=func.coalesce(PromotionCode.ended_at, at))
        if connection().execute(ended).rowcount == 0:
            raise NotFound(_("There is no such code."))


def _claim(promotion_id: int, expected_version: int | None = None) -> Row[Any]:
    found = row(CLAIM, promotion=promotion_id)
    if found is None:
        raise NotFound(_("There is no such promotion."))
    if expected_version is not None and found.version != expected_version + 1:
        raise StaleVersion(_("Somebody else changed this promotion. Look at it as it is now, then try again."))
    return found


def _claim_with_codes(promotion_id: int) -> None:
    if not _claim(promotion_id).needs_code:
        raise Invalid({"/promotion": [_("This promotion works by itself. Say first that it needs a code.")]})


def _has_codes(promotion_id: int) -> bool:
    return row(select(PromotionCode.id).where(PromotionCode.promotion_id == promotion_id).limit(1)) is not None


def _clean_prefix(prefix: str) -> str:
    if not prefix:
        return ""
    try:
        plain = clean_code(f"{prefix}000").removesuffix("000")
    except ValueError as error:
        raise Invalid({"/prefix": [str(error)]}) from None
    if len(plain) > LONGEST_PREFIX:
        raise Invalid({"/prefix": [_("Use at most %(count)d characters.", count=LONGEST_PREFIX)]})
    return plain


def _check(draft: Draft) -> None:
    mistakes = find_mistakes(draft, default_locale=current_app.extensions["config"].locales[0])
    for pointer, targets in (("/scope", draft.scope), ("/get_scope", draft.get_scope)):
        if targets is not None and pointer not in mistakes and not _all_exist(targets):
            mistakes[pointer] = [_("Some of these goods do not exist any more.")]
    if draft.group_id is not None and row(select(CustomerGroup.id).where(CustomerGroup.id == draft.group_id)) is None:
        mistakes["/group_id"] = [_("This group does not exist any more.")]
    if mistakes:
        raise Invalid(mistakes)


def _all_exist(targets: Targets) -> bool:
    named = ((Category.id, targets.category_ids), (Product.id, targets.product_ids), (Variant.id, targets.variant_ids))
    return all(len(rows(select(column).where(column.in_(ids)))) == len(set(ids)) for column, ids in named if ids)


def _write_parts(session: Session, promotion_id: int, draft: Draft) -> None:
    of_it = {"promotion_id": promotion_id}
    session.execute(
        insert(PromotionText), [{**of_it, "locale": locale, "name": name} for locale, name in draft.names.items() if name.strip()]
    )
    targets = [
        {**of_it, "role": role, **dict.fromkeys(("category_id", "product_id", "variant_id")), column: id_}
        for role, named in ((TargetRole.SCOPE, draft.scope), (TargetRole.GET, draft.get_scope))
        if named is not None
        for column, ids in (("category_id", named.category_ids), ("product_id", named.product_ids), ("variant_id", named.variant_ids))
        for id_ in dict.fromkeys(ids)
    ]
    if targets:
        session.execute(insert(PromotionTarget), targets)
    if draft.tiers:
        session.execute(
            insert(PromotionTier),
            [
                {**of_it, "at_least": tier.at_least, "percent_bp": tier.percent_bp, "off_piece_minor": tier.off_piece_minor}
                for tier in draft.tiers
            ],
        )
