"""Limits of promotions: never overrun, whoever is faster, and given back when an order is canceled."""

from __future__ import annotations

from typing import Any

import pytest
from flask import Flask
from sqlalchemy import func, select

from shop.checkout.services import place_order
from shop.db import rows, scalar, transaction
from shop.errors import QuoteChanged
from shop.inventory.models import StockItem
from shop.order.expiry import accept_late_payment, expire_order
from shop.order.models import Order
from shop.order.services import cancel_order, claim_order
from shop.promotion.models import Promotion, PromotionCode, Redemption
from shop.promotion.services import end_code, end_promotion
from shop.promotion.uses import Use, UsesTaken, claim_uses
from tests.factories import NOON, Made, make_product
from tests.orders import counted, make_cart, make_wanted
from tests.people import make_user
from tests.promotions import make_promotion, type_code
from tests.races import in_parallel

BUYERS = 20


def used(promotion_id: int) -> tuple[int, int]:
    """How often the promotion says it was used, and how many redemptions stand."""
    said = scalar(select(Promotion.used).where(Promotion.id == promotion_id))
    standing = select(func.count()).where(Redemption.promotion_id == promotion_id, Redemption.released_at.is_(None))
    return int(said), int(scalar(standing))


def cart_with_code(mug: Made, code: str, **about: Any) -> int:
    cart_id = make_cart([(mug, 1)], **about)
    type_code(cart_id, code)
    return cart_id


def race(app: Flask, carts: list[int], emails: list[str], *, is_shown: bool = True) -> list[Any]:
    wanted = [make_wanted(cart_id if is_shown else None, email=email) for cart_id, email in zip(carts, emails, strict=True)]
    return in_parallel(app, [lambda c=cart_id, w=want: place_order(c, w, at=NOON) for cart_id, want in zip(carts, wanted, strict=True)])


def test_the_last_use_of_a_code_and_twenty_buyers_make_one_order_with_it(context: Flask) -> None:
    mug = make_product(price=2000, stock=100)
    promotion_id = make_promotion(code="LAST", max_uses=1)
    carts = [cart_with_code(mug, "LAST") for _ in range(BUYERS)]

    answers = race(context, carts, [f"buyer{number}@example.com" for number in range(BUYERS)])

    orders = [answer for answer in answers if isinstance(answer, Order)]
    refused = [answer for answer in answers if isinstance(answer, QuoteChanged)]
    assert (len(orders), len(refused)) == (1, BUYERS - 1), answers
    assert orders[0].discount_minor == 200
    assert {answer.extras["quote"]["totals"]["total"]["minor"] for answer in refused} == {2490}
    assert used(promotion_id) == (1, 1)
    assert scalar(select(StockItem.on_hand).where(StockItem.variant_id == mug.variant_id)) == 99


def test_twenty_buyers_who_saw_no_page_get_no_more_uses_than_there_are(context: Flask) -> None:
    mug = make_product(price=2000, stock=100)
    promotion_id = make_promotion(code="THREE", max_uses=3)
    carts = [cart_with_code(mug, "THREE") for _ in range(BUYERS)]

    answers = race(context, carts, [f"buyer{number}@example.com" for number in range(BUYERS)], is_shown=False)

    assert sum(isinstance(answer, Order) and answer.discount_minor == 200 for answer in answers) == 3
    assert used(promotion_id) == (3, 3)


def test_a_limit_of_an_automatic_promotion_holds_against_twenty_buyers(context: Flask) -> None:
    mug = make_product(price=2000, stock=100)
    promotion_id = make_promotion(max_uses=2)
    carts = [make_cart([(mug, 1)]) for _ in range(BUYERS)]

    answers = race(context, carts, [f"buyer{number}@example.com" for number in range(BUYERS)])

    assert sum(isinstance(answer, Order) for answer in answers) == 2
    assert used(promotion_id) == (2, 2)


def test_one_customer_with_many_carts_uses_a_code_once(context: Flask) -> None:
    mug = make_product(price=2000, stock=100)
    promotion_id = make_promotion(code="ONCE", max_uses_each=1)
    carts = [cart_with_code(mug, "ONCE") for _ in range(BUYERS)]

    answers = race(context, carts, ["ana@example.com"] * BUYERS)

    assert sum(isinstance(answer, Order) for answer in answers) == 1
    assert used(promotion_id) == (1, 1)


def test_a_code_of_a_batch_is_used_once_while_the_others_stay_good(context: Flask) -> None:
    mug = make_product(price=2000, stock=100)
    promotion_id = make_promotion(code="MINE", code_uses=1)
    carts = [cart_with_code(mug, "MINE") for _ in range(BUYERS)]

    answers = race(context, carts, [f"buyer{number}@example.com" for number in range(BUYERS)])

    assert sum(isinstance(answer, Order) for answer in answers) == 1
    assert used(promotion_id) == (1, 1)


def test_a_canceled_order_gives_its_use_back_once(context: Flask) -> None:
    mug = make_product(price=2000, stock=100)
    promotion_id = make_promotion(code="LAST", max_uses=1, max_uses_each=1)
    first = cart_with_code(mug, "LAST")
    order = place_order(first, make_wanted(first), at=NOON)
    assert used(promotion_id) == (1, 1)

    cancel_order(order.id, by="shop", at=NOON)

    assert used(promotion_id) == (0, 0)
    again = cart_with_code(mug, "LAST")
    assert place_order(again, make_wanted(again), at=NOON).discount_minor == 200
    assert used(promotion_id) == (1, 1)


def test_the_limit_of_a_customer_survives_the_change_from_guest_to_account(context: Flask) -> None:
    mug = make_product(price=2000, stock=100)
    make_promotion(code="ONCE", max_uses_each=1)
    ana = make_user("ana@example.com")
    as_guest = cart_with_code(mug, "ONCE")
    place_order(as_guest, make_wanted(as_guest, email="ana@example.com"), at=NOON)
    as_member = cart_with_code(mug, "ONCE", user_id=ana)

    with pytest.raises(QuoteChanged):
        place_order(as_member, make_wanted(as_member, email="ana@example.com", user_id=ana), at=NOON)

    elsewhere = cart_with_code(mug, "ONCE")
    assert place_order(elsewhere, make_wanted(elsewhere, email="eva@example.com"), at=NOON).discount_minor == 200


def test_an_order_remembers_which_promotions_and_codes_it_used(context: Flask) -> None:
    mug = make_product(price=2000, stock=100)
    by_code, automatic = make_promotion(code="SUMMER"), make_promotion("Five percent", percent=5)
    cart_id = cart_with_code(mug, " summer ")

    order = place_order(cart_id, make_wanted(cart_id), at=NOON)

    found = rows(
        select(Redemption.promotion_id, Redemption.code_id, Redemption.order_id, Redemption.email).order_by(Redemption.promotion_id)
    )
    assert [(one.promotion_id, one.code_id is not None, one.order_id, one.email) for one in found] == [
        (by_code, True, order.id, "lucia@example.com"),
        (automatic, False, order.id, "lucia@example.com"),
    ]


@pytest.mark.parametrize(("code", "most"), [(None, 12), ("SUMMER", 15)])
def test_an_order_with_promotions_sends_one_statement_more_to_freeze_them_and_two_to_claim_their_uses(
    context: Flask, code: str | None, most: int
) -> None:
    mug = make_product(price=2000, stock=100)
    make_promotion(code="SUMMER", max_uses=5, max_uses_each=2)
    cart_id = make_cart([(mug, 1)])
    if code:
        type_code(cart_id, code)
    wanted = make_wanted(cart_id)

    with counted() as statements:
        order = place_order(cart_id, wanted, at=NOON)

    assert (order.discount_minor > 0) is bool(code)
    assert len(statements) <= most, statements


def test_a_promotion_that_staff_ends_meanwhile_is_not_claimed(context: Flask) -> None:
    mug = make_product(price=2000, stock=100)
    promotion_id = make_promotion(code="SUMMER")
    cart_id = cart_with_code(mug, "SUMMER")
    wanted = make_wanted(cart_id)
    end_promotion(promotion_id, at=NOON)

    with pytest.raises(QuoteChanged) as caught:
        place_order(cart_id, wanted, at=NOON)

    assert caught.value.extras["quote"]["totals"]["discount"]["minor"] == 0
    assert used(promotion_id) == (0, 0)


def end_and_pay_late(order: Order) -> bool:
    expire_order(order.id, at=NOON)
    with transaction():
        row_of = claim_order(order.id)
        return accept_late_payment(row_of, by="shop", at=NOON)


def test_money_that_comes_late_takes_the_use_again(context: Flask) -> None:
    mug = make_product(price=2000, stock=100)
    promotion_id = make_promotion(code="LAST", max_uses=1, max_uses_each=1)
    cart_id = cart_with_code(mug, "LAST")
    order = place_order(cart_id, make_wanted(cart_id), at=NOON)

    assert end_and_pay_late(order)

    assert used(promotion_id) == (1, 1)


@pytest.mark.parametrize("limits", [{"max_uses": 1}, {"code_uses": 1}, {"max_uses_each": 1}])
def test_money_that_comes_late_goes_back_when_somebody_else_has_the_last_use(context: Flask, limits: dict[str, int]) -> None:
    mug = make_product(price=2000, stock=100)
    promotion_id = make_promotion(code="LAST", **limits)
    cart_id = cart_with_code(mug, "LAST")
    order = place_order(cart_id, make_wanted(cart_id), at=NOON)
    expire_order(order.id, at=NOON)
    faster = cart_with_code(mug, "LAST")
    place_order(faster, make_wanted(faster), at=NOON)

    with transaction():
        was_accepted = accept_late_payment(claim_order(order.id), by="shop", at=NOON)

    assert not was_accepted
    assert used(promotion_id) == (1, 1)
    assert scalar(select(StockItem.on_hand).where(StockItem.variant_id == mug.variant_id)) == 99


@pytest.mark.parametrize("about", [{"max_uses": 1}, {"max_uses_each": 1}, {"code_uses": 1}])
def test_the_claim_itself_refuses_whatever_a_quote_believed(context: Flask, about: dict[str, int]) -> None:
    promotion_id = make_promotion(code="ONCE", **about)
    use = Use(promotion_id, scalar(select(PromotionCode.id)))
    first, second = (place_order(cart, make_wanted(cart), at=NOON) for cart in (make_cart(), make_cart()))
    claim_uses(first.id, [use], email="ana@example.com", user_id=None, at=NOON)

    with pytest.raises(UsesTaken):
        claim_uses(second.id, [use], email="ana@example.com", user_id=None, at=NOON)

    assert used(promotion_id) == (1, 1)


def test_an_ended_promotion_or_code_is_not_claimed_by_who_did_not_hear_of_it_yet(context: Flask) -> None:
    ended, code_ended = make_promotion(), make_promotion(code="SUMMER")
    code_id = scalar(select(PromotionCode.id))
    order = place_order(cart := make_cart(), make_wanted(cart), at=NOON)
    cancel_order(order.id, by="shop", at=NOON)
    end_promotion(ended, at=NOON)
    end_code(code_id, promotion_id=code_ended, at=NOON)

    for use in (Use(ended), Use(code_ended, code_id), Use(code_ended)):
        with pytest.raises(UsesTaken):
            claim_uses(order.id, [use], email="ana@example.com", user_id=None, at=NOON)

    assert used(code_ended) == (0, 0)
