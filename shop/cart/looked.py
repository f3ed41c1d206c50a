"""What the statement that reads a cart's lines says besides: its codes, how promotions with a limit stand for this customer, and their groups.

Limits change with every order, so they cannot be kept in memory; and a statement of their own would make every cart dearer. So they come along as
one text for the whole cart: ``7:12:SUMMER:open 9:::used_up`` is promotion 7 by code 12, and the automatic promotion 9.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, Row, ScalarSelect, Text, bindparam, case, cast, false, func, literal, null, or_, select, union_all

from shop.cart.models import CartCode
from shop.customer.models import Customer, CustomerGroup, CustomerGroupMember
from shop.promotion.models import Promotion, PromotionCode, Redemption
from shop.promotion.offers import Looked, Standing


class Buyer(NamedTuple):
    """Whose limits and groups count: a member by their account, anybody by the e-mail that they typed (limits only: it proves nothing)."""

    email: str = ""
    user_id: int | None = None

    @property
    def params(self) -> dict[str, Any]:
        """What ``looked_at`` and ``groups_of_buyer`` are given."""
        return {"buyer_email": self.email, "buyer_id": self.user_id}


SOMEBODY = Buyer()

_uses = select(func.count()).where(Redemption.released_at.is_(None))
_by_customer = (
    _uses.where(
        Redemption.promotion_id == Promotion.id,
        or_(Redemption.email == bindparam("buyer_email"), Redemption.user_id == bindparam("buyer_id")),
    )
    .correlate(Promotion)
    .scalar_subquery()
)
_by_code = _uses.where(Redemption.code_id == PromotionCode.id).correlate(PromotionCode).scalar_subquery()


def _standing(is_code_ended: Any, is_code_used_up: Any) -> Any:
    return case(
        (or_(Promotion.ended_at.is_not(None), is_code_ended), Standing.ENDED.value),
        (or_(Promotion.used >= Promotion.max_uses, is_code_used_up), Standing.USED_UP.value),
        (_by_customer >= Promotion.max_uses_each, Standing.USED_BY_YOU.value),
        else_=Standing.OPEN.value,
    )


STANDING_OF_CODE = _standing(PromotionCode.ended_at.is_not(None), _by_code >= PromotionCode.max_uses)
"""How a code stands for the buyer, in statements that read ``Promotion`` and ``PromotionCode``."""


def looked_at(cart: ColumnElement[Any]) -> ScalarSelect[Any]:
    """A part of another statement: how the promotions of that cart stand."""
    typed = (
        select(_words(PromotionCode.id, PromotionCode.code, STANDING_OF_CODE))
        .select_from(CartCode)
        .join(PromotionCode, PromotionCode.id == CartCode.code_id)
        .join(Promotion, Promotion.id == PromotionCode.promotion_id)
        .where(CartCode.cart_id == cart)
    )
    watched = select(_words(null(), literal(""), _standing(false(), false()))).where(
        ~Promotion.needs_code,
        Promotion.ended_at.is_(None),
        or_(Promotion.max_uses.is_not(None), Promotion.max_uses_each.is_not(None)),
    )
    parts = union_all(typed, watched).subquery("looked")
    return select(func.coalesce(func.aggregate_strings(parts.c.words, " "), "")).scalar_subquery()


def _words(code_id: Any, code: Any, standing: Any) -> Any:
    number = func.coalesce(cast(code_id, Text), "")
    return (cast(Promotion.id, Text) + ":" + number + ":" + code + ":" + standing).label("words")


def groups_of_buyer() -> ScalarSelect[Any]:
    """A part of another statement: the codes of the groups that the member is in."""
    return (
        select(func.coalesce(func.aggregate_strings(CustomerGroup.code, " "), ""))
        .join(CustomerGroupMember, CustomerGroupMember.group_id == CustomerGroup.id)
        .join(Customer, Customer.id == CustomerGroupMember.customer_id)
        .where(Customer.user_id == bindparam("buyer_id"))
        .scalar_subquery()
    )


def read_looked(line: Row[Any]) -> list[Looked]:
    """What ``looked_at`` wrote, in the order of codes."""
    parts = (words.split(":") for words in line.looked.split())
    found = [
        Looked(int(number), Standing(standing), int(code_id) if code_id else None, code or None)
        for number, code_id, code, standing in parts
    ]
    return sorted(found, key=lambda one: (one.code or "", one.promotion_id))
