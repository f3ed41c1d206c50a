"""Goods and prices that are set for later come by themselves."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import insert, select

from shop.catalog.models import CategoryProduct, Price, Product
from shop.catalog.tasks import show_due
from shop.db import rows, scalar, transaction
from tests.factories import NOON, make_category, make_product

LATER = NOON + timedelta(hours=1)


def listed():
    return [found.id for found in rows(select(Product.id).where(Product.is_listed).order_by(Product.id))]


def price_from(product_id):
    return scalar(select(Product.price_from_minor).where(Product.id == product_id))


def test_a_product_appears_when_its_moment_has_come(context):
    there = make_product("Mug")
    coming = make_product("Lamp", published_at=LATER, categories=[make_category()])

    assert show_due(LATER - timedelta(seconds=1)) == 0
    assert listed() == [there.id]

    assert show_due(LATER) == 1
    assert listed() == [there.id, coming.id]
    assert scalar(select(CategoryProduct.product_id)) == coming.id
    assert show_due(LATER) == 0


def test_a_draft_an_archived_one_and_one_without_a_price_stay_where_they_are(context):
    make_product("Draft", published_at=None)
    make_product("Gone", archived_at=NOON)
    with transaction() as session:
        session.add(Product(handle="bare", published_at=NOON, created_at=NOON, updated_at=NOON))

    assert show_due(LATER) == 0
    assert listed() == []


def test_a_price_that_was_set_for_later_comes_into_lists(context):
    mug = make_product(price=1450)
    with transaction() as session:
        session.execute(insert(Price).values(variant_id=mug.variant_id, currency="EUR", valid_from=LATER, minor=1200))

    show_due(NOON)
    assert price_from(mug.id) == 1450

    assert show_due(LATER) == 1
    assert price_from(mug.id) == 1200
    assert show_due(LATER) == 0


def test_the_shop_looks_by_itself(context):
    assert "catalog.show_due" in context.extensions["periodic"]
