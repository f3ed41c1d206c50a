from __future__ import annotations

import pytest
from flask import Flask
from sqlalchemy import insert

from shop.cart.quotes import CartView, quote_cart
from shop.cart.services import Owner, put_into_cart
from shop.catalog.models import ProductImage
from shop.db import transaction
from shop.media.models import Image
from shop.pricing.queries import get_rules
from shop.promotion.offers import list_offers
from shop.settings.services import save_settings
from tests.cart.conftest import Statements
from tests.factories import NOON, Made, make_product


def quote(*goods: tuple[Made, int], country: str = "ES", code: str | None = None, locale: str = "en") -> CartView:
    cart_id, key = None, None
    for made, quantity in goods:
        cart_id, key = put_into_cart(Owner(key, None), made.variant_id, quantity, at=NOON)
    return quote_cart(cart_id, country=country, delivery_code=code, locale=locale, at=NOON)


def test_the_cheapest_way_to_the_door_is_chosen_unless_another_is_wished(context: Flask) -> None:
    mug = make_product()

    cheapest, pickup, nonsense = quote((mug, 1)), quote((mug, 1), code="pickup"), quote((mug, 1), code="europe")

    assert [view.quote.delivery.code for view in (cheapest, pickup, nonsense) if view.quote.delivery] == ["standard", "pickup", "standard"]
    assert [delivery.code for delivery in cheapest.deliveries] == ["standard", "pickup"]
    assert (cheapest.quote.total_minor, pickup.quote.total_minor) == (1940, 1450)


def test_a_country_without_delivery_can_still_collect(context: Flask) -> None:
    view = quote((make_product(), 1), country="US")

    assert view.quote.delivery is not None
    assert view.quote.delivery.is_pickup


def test_how_much_is_missing_until_delivery_is_free(context: Flask) -> None:
    lamp = make_product("Lamp", price=5999)

    missing, free = quote((lamp, 1)).until_free, quote((lamp, 2)).until_free

    assert missing is not None
    assert (missing.minor, free) == (1, None)


def test_each_thing_is_taxed_by_its_class(context: Flask) -> None:
    view = quote((make_product(tax_class="food"), 1), (make_product("Book", tax_class="books"), 1), (make_product("Lamp"), 1))

    assert [line.tax_rate_ppm for line in view.quote.lines] == [100_000, 40_000, 210_000]


def test_prices_without_tax_get_it_on_top(context: Flask) -> None:
    save_settings({("prices_include_tax", ""): "0"})

    view = quote((make_product(price=1000), 1))

    assert (view.quote.subtotal_minor, view.quote.tax_minor, view.quote.total_minor) == (1000, 313, 1803)


def test_no_cart_is_an_empty_view(context: Flask) -> None:
    view = quote()

    assert (view.is_empty, view.count, view.quote.total_minor, view.can_be_ordered) == (True, 0, 0, False)


def test_lines_show_the_picture_of_the_variant_else_of_the_product(context: Flask) -> None:
    mug = make_product(options={"Color": ["Sage", "Cream"]})
    with transaction() as session:
        for number in (1, 2):
            values = {
                "id": number,
                "hash": f"{number:032}",
                "width": 1200,
                "height": 1500,
                "widths": "320 640 1200",
                "bytes": 9,
                "created_at": NOON,
            }
            session.execute(insert(Image).values(**values))
            session.execute(insert(ProductImage).values(id=number, product_id=mug.id, image_id=number, position=number))
        session.connection().exec_driver_sql(f"UPDATE products SET image_id = 1 WHERE id = {mug.id}")
        session.connection().exec_driver_sql(f"UPDATE variants SET product_image_id = 2 WHERE id = {mug.variant_ids[1]}")

    cart = put_into_cart(Owner(None, None), mug.variant_ids[0], 1, at=NOON)
    put_into_cart(Owner(cart.key, None), mug.variant_ids[1], 1, at=NOON)
    view = quote_cart(cart.id, country="ES", delivery_code=None, locale="en", at=NOON)

    assert [(line.image.hash[-1], line.image.widths) for line in view.lines if line.image] == [
        ("1", (320, 640, 1200)),
        ("2", (320, 640, 1200)),
    ]
    assert [line.item.image_id for line in view.quote.lines] == [1, 2]


@pytest.mark.parametrize("lines", [1, 12])
def test_a_quote_takes_one_statement_with_rules_at_hand(context: Flask, statements: Statements, lines: int) -> None:
    goods = [(make_product(f"Thing {number}"), 1) for number in range(lines)]
    cart_id = quote(*goods).cart_id
    rules, offers = get_rules("ES", currency="EUR", locale="en", at=NOON), list_offers("en")

    with transaction(), statements() as seen:
        view = quote_cart(cart_id, country="ES", delivery_code=None, locale="en", at=NOON, rules=rules, offers=offers)

    assert (len(seen), len(view.lines)) == (1, lines)
