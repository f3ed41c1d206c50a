"""Builders for tests of promotions: ``make_promotion(percent=10, code="SUMMER")``, and a code put into a cart."""

from __future__ import annotations

from typing import Any

from flask import current_app
from sqlalchemy import select

from shop.cart.codes import use_code
from shop.cart.looked import SOMEBODY, Buyer
from shop.cart.models import Cart
from shop.cart.services import Owner
from shop.db import row
from shop.pricing.promotions import PromotionKind
from shop.promotion.drafts import Draft, Targets
from shop.promotion.offers import list_offers
from shop.promotion.services import add_code, create_promotion
from tests.factories import NOON


def make_draft(name: str = "Ten percent", *, percent: int | None = 10, categories: tuple[int, ...] = (), **changes: Any) -> Draft:
    """Ten percent off everything, unless something else is said."""
    values: dict[str, Any] = {
        "kind": PromotionKind.PERCENT,
        "names": dict.fromkeys(current_app.extensions["config"].locales, name),
        **changes,
    }
    if percent is not None:
        values["percent_bp"] = percent * 100
    if categories:
        values["scope"] = Targets(category_ids=categories)
    return Draft(**values)


def make_promotion(name: str = "Ten percent", *, code: str | None = None, code_uses: int | None = None, **changes: Any) -> int:
    """A promotion that works by itself, or by ``code``; gives its id."""
    promotion_id = create_promotion(make_draft(name, needs_code=code is not None, **changes), at=NOON)
    if code:
        add_code(promotion_id, code, max_uses=code_uses, at=NOON)
    return promotion_id


def type_code(cart_id: int, code: str, *, buyer: Buyer = SOMEBODY) -> None:
    """Put a code into that cart, as its owner would."""
    found = row(select(Cart.key, Cart.user_id).where(Cart.id == cart_id))
    assert found is not None
    use_code(Owner(found.key, found.user_id), code, list_offers("en"), buyer=buyer, locale="en", at=NOON)
