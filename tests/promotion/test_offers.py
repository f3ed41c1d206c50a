"""Which promotions hold at a moment, and what stays true of those that were: real bugs of other shops, by their names."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from flask import Flask
from sqlalchemy import select

from shop.cart.quotes import quote_cart
from shop.catalog.services import delete_category
from shop.checkout.services import place_order
from shop.db import row, scalar, transaction
from shop.errors import Invalid, QuoteChanged
from shop.order.queries import get_order
from shop.pricing.promotions import MissedReason
from shop.promotion.models import Promotion, PromotionCode
from shop.promotion.offers import list_offers, pick_promotions
from shop.promotion.services import add_code, change_promotion
from tests.factories import NOON, make_category, make_product
from tests.orders import make_cart, make_wanted
from tests.promotions import make_draft, make_promotion, type_code

MADRID = ZoneInfo("Europe/Madrid")


def discount(cart_id: int, at: datetime = NOON) -> int:
    return quote_cart(cart_id, country="ES", delivery_code=None, locale="en", at=at).quote.discount_minor


@pytest.mark.parametrize("day", [date(2026, 11, 1), date(2026, 3, 29), date(2028, 2, 29)])
def test_a_sale_begins_and_ends_on_the_second_where_the_shop_is(context: Flask, day: date) -> None:
    """woocommerce#22186, #35740, #65797: sales that start or end at the wrong hour. The second day has 23 hours, the third is a leap day."""
    begins, ends = (datetime.combine(day + timedelta(days=later), time(), MADRID).astimezone(UTC) for later in (0, 1))
    make_promotion(valid_from=begins, valid_until=ends)
    second = timedelta(seconds=1)

    counted = [
        len(pick_promotions(list_offers("en"), [], is_member=False, zone=MADRID, at=moment).promotions)
        for moment in (begins - second, begins, ends - second, ends)
    ]

    assert counted == [0, 1, 1, 0]


def test_a_limit_that_staff_sets_later_counts_what_was_used_before(context: Flask) -> None:
    """eventyay#1359, #1378: an optimization that skipped the lock where nothing was limited."""
    mug = make_product(price=1000, stock=50)
    promotion_id = make_promotion()
    for _ in range(3):
        cart_id = make_cart([(mug, 1)])
        place_order(cart_id, make_wanted(cart_id), at=NOON)

    with pytest.raises(Invalid):
        change_promotion(promotion_id, make_draft(max_uses=2))
    change_promotion(promotion_id, make_draft(max_uses=3))

    assert scalar(select(Promotion.used)) == 3
    assert discount(make_cart([(mug, 1)])) == 0


def test_what_was_seen_before_a_promotion_changed_is_asked_again(context: Flask) -> None:
    mug = make_product(price=1000, stock=50)
    promotion_id = make_promotion(percent=50)
    cart_id = make_cart([(mug, 1)])
    wanted = make_wanted(cart_id)
    change_promotion(promotion_id, make_draft(percent=10))

    with pytest.raises(QuoteChanged) as caught:
        place_order(cart_id, wanted, at=NOON)

    assert caught.value.extras["quote"]["totals"]["discount"]["minor"] == 100


def test_an_order_keeps_the_name_under_which_a_promotion_counted(context: Flask) -> None:
    """vendure#2870 and others: editing a promotion changed old orders."""
    mug = make_product(price=1000, stock=50)
    promotion_id = make_promotion("Summer", code="SUMMER")
    cart_id = make_cart([(mug, 1)])
    type_code(cart_id, "SUMMER")
    order = place_order(cart_id, make_wanted(cart_id), at=NOON)

    change_promotion(promotion_id, make_draft("Winter", percent=90, needs_code=True))

    view = get_order(order.number)
    assert [(one.label, one.code, one.amount.minor) for one in view.discounts] == [("Summer", "SUMMER", 100)]
    assert view.total.minor == 900 + 490


def test_a_promotion_whose_goods_are_all_gone_is_for_nothing_and_not_for_everything(context: Flask) -> None:
    shelf = make_category("Gone soon")
    make_promotion(percent=90, categories=(shelf,))
    delete_category(shelf)

    assert discount(make_cart([(make_product(price=1000), 1)])) == 0


def test_codes_are_the_same_in_any_capitals_and_with_any_blanks(context: Flask) -> None:
    make_promotion(code="SUMMER-26")
    for typed in ("summer-26", " Summer-26 ", "SUMMER -26", "\uff33UMMER-26"):
        cart_id = make_cart([(make_product(price=1000), 1)])
        type_code(cart_id, typed)
        assert discount(cart_id) == 100, typed


@pytest.mark.parametrize("typed", ["", "\x00", "SUM\x00MER", "a" * 10_000, "'; DROP TABLE carts; --", "\ud800", "٣٣٣", "%", "___"])
def test_what_can_be_no_code_is_unknown_and_nothing_else(context: Flask, typed: str) -> None:
    make_promotion(code="SUMMER")

    with pytest.raises(Invalid) as caught:
        type_code(make_cart(), typed)

    assert "We do not know this code" in caught.value.errors["/code"][0]


def test_a_promotion_that_needs_a_code_does_nothing_without_one(context: Flask) -> None:
    make_promotion(percent=90, code="SECRET")

    assert discount(make_cart([(make_product(price=1000), 1)])) == 0


def test_a_used_up_code_says_so_in_the_cart_where_it_lies(context: Flask) -> None:
    mug = make_product(price=1000, stock=50)
    make_promotion(code="LAST", max_uses=1)
    first, second = make_cart([(mug, 1)]), make_cart([(mug, 1)])
    type_code(first, "LAST")
    type_code(second, "LAST")
    place_order(first, make_wanted(first), at=NOON)

    view = quote_cart(second, country="ES", delivery_code=None, locale="en", at=NOON)

    assert [one.reason for one in view.quote.missed] == [MissedReason.USED_UP]
    assert [(one.code, one.counts, one.text) for one in view.codes] == [("LAST", False, "LAST has been used as often as it can be.")]


def test_a_code_that_exists_is_refused_in_any_capitals_by_the_table_too(context: Flask) -> None:
    promotion_id = make_promotion(code="SUMMER")

    with pytest.raises(Exception, match=r"(?i)code_form|check"), transaction() as session:
        session.add(PromotionCode(promotion_id=promotion_id, code="Summer", created_at=NOON))
        session.flush()
    add_code(promotion_id, "other", at=NOON)

    assert row(select(PromotionCode.code).where(PromotionCode.code == "OTHER"))
