"""The verbs of codes in a cart. A code that can never count here is refused; one that only waits for more goods stays and says what is missing."""

from __future__ import annotations

from datetime import datetime
from typing import Any, cast

from flask_babel import gettext as _
from sqlalchemy import Row, Table, bindparam, delete, insert, select

from shop.cart.looked import STANDING_OF_CODE, Buyer
from shop.cart.missed import say_missed
from shop.cart.models import CartCode
from shop.cart.services import Held, Owner, claim_cart, open_cart
from shop.db import connection, row, rows, transaction
from shop.errors import Invalid, NotFound
from shop.pricing.promotions import Missed, MissedReason
from shop.promotion.codes import plain_code
from shop.promotion.models import Promotion, PromotionCode
from shop.promotion.offers import Looked, Offer, Standing, pick_promotions, shop_zone

MAX_CODES = 10

cart_codes = cast("Table", CartCode.__table__)
_held = cart_codes.alias("held")
CODE = (
    select(PromotionCode.id, PromotionCode.promotion_id, PromotionCode.code, STANDING_OF_CODE.label("standing"))
    .join(Promotion, Promotion.id == PromotionCode.promotion_id)
    .where(PromotionCode.code == bindparam("code"))
)
IN_CART = select(CartCode.promotion_id, CartCode.code_id).where(CartCode.cart_id == bindparam("cart"))
PUT = insert(cart_codes)
REMOVE = (
    delete(cart_codes)
    .where(
        cart_codes.c.cart_id == bindparam("cart"),
        cart_codes.c.code_id == select(PromotionCode.id).where(PromotionCode.code == bindparam("code")).scalar_subquery(),
    )
    .returning(cart_codes.c.code_id)
)
BRING = insert(cart_codes).from_select(
    ["cart_id", "promotion_id", "code_id"],
    select(bindparam("to_cart", type_=cart_codes.c.cart_id.type), cart_codes.c.promotion_id, cart_codes.c.code_id).where(
        cart_codes.c.cart_id == bindparam("from_cart"),
        cart_codes.c.promotion_id.not_in(select(_held.c.promotion_id).where(_held.c.cart_id == bindparam("to_cart"))),
    ),
)


def use_code(owner: Owner, typed: str, offers: tuple[Offer, ...], *, buyer: Buyer, locale: str, at: datetime) -> Held:
    """Put a code into the owner's cart, which is made when there is none. The same code again changes nothing.

    Raises:
        Invalid: there is no such code, or it cannot count any more or yet, or only for others; ``/code`` says why. The cart stays as it was.
        CartClosed: the cart is not open (any more).
    """
    code = plain_code(typed)
    with transaction():
        found = row(CODE, code=code, **buyer.params) if code else None
        if found is None:
            raise _refused(Missed(reason=MissedReason.UNKNOWN, code=typed), locale)
        _check(found, offers, buyer, locale, at)
        cart = open_cart(owner, at=at)
        held = {used.promotion_id: used.code_id for used in rows(IN_CART, cart=cart.id)}
        if held.get(found.promotion_id, found.id) != found.id:
            raise _refused(Missed(reason=MissedReason.TWICE, code=found.code), locale)
        if len(held) >= MAX_CODES:
            raise Invalid({"/code": [_("A cart takes %(count)d codes. Take one out first, please.", count=MAX_CODES)]})
        if found.promotion_id not in held:
            connection().execute(PUT, {"cart_id": cart.id, "promotion_id": found.promotion_id, "code_id": found.id})
        return cart


def remove_code(cart_id: int, typed: str, *, at: datetime) -> None:
    """Take a code out.

    Raises:
        NotFound: it is not in this cart.
        CartClosed: the cart is not open (any more).
    """
    with transaction():
        claim_cart(cart_id, at=at)
        if row(REMOVE, cart=cart_id, code=plain_code(typed)) is None:
            raise NotFound(_("This code is not in the cart any more."))


def bring_codes(from_cart: int, to_cart: int) -> None:
    """Two carts become one: of codes of the same promotion that of ``to_cart`` stays. Both carts are claimed by the caller."""
    with transaction():
        connection().execute(BRING, {"from_cart": from_cart, "to_cart": to_cart})


def _check(found: Row[Any], offers: tuple[Offer, ...], buyer: Buyer, locale: str, at: datetime) -> None:
    """Whatever more goods could not mend is said at once."""
    looked = Looked(found.promotion_id, Standing(found.standing), found.id, found.code)
    picked = pick_promotions(offers, [looked], is_member=buyer.user_id is not None, zone=shop_zone(), at=at)
    for missed in picked.missed:
        raise _refused(missed, locale)


def _refused(missed: Missed, locale: str) -> Invalid:
    return Invalid({"/code": [say_missed(missed, locale)]})
