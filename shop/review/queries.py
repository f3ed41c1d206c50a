"""Reading what customers say: shown in the language of the page where there is a translation."""

from __future__ import annotations

from sqlalchemy import bindparam, exists, func, or_, select
from sqlalchemy.orm import aliased

from shop.review.models import Review

SHOWN_MOST = 12

_translation = aliased(Review)
_is_translated = exists().where(
    _translation.translation_of == Review.id, _translation.locale == bindparam("locale"), _translation.approved_at.is_not(None)
)

# What a product page shows: each opinion once, the newest first. Parameters: product_id, locale.
SHOWN = (
    select(Review.id, Review.stars, Review.locale, Review.author, Review.text, Review.created_at)
    .where(
        Review.product_id == bindparam("product_id"),
        Review.approved_at.is_not(None),
        or_(Review.locale == bindparam("locale"), Review.translation_of.is_(None) & ~_is_translated),
    )
    .order_by(Review.created_at.desc(), Review.id.desc())
    .limit(SHOWN_MOST)
)

# How often each number of stars was given to a product. Parameter: product_id.
GIVEN = (
    select(Review.stars, func.count().label("number"))
    .where(Review.product_id == bindparam("product_id"), Review.approved_at.is_not(None), Review.translation_of.is_(None))
    .group_by(Review.stars)
)

# A customer's sentence for the start page. Parameter: locale.
VOICE = (
    select(Review.product_id, Review.author, Review.text)
    .where(
        Review.approved_at.is_not(None), Review.stars == 5, Review.locale == bindparam("locale"), func.length(Review.text).between(20, 90)
    )
    .order_by(Review.created_at.desc(), Review.id.desc())
    .limit(1)
)
