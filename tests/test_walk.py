"""The bones carry weight: the app starts, a product can be made and listed."""

from sqlalchemy import select

from shop.catalog.models import Category, CategoryProduct, Product
from shop.db import row, rows
from tests.factories import make_category, make_product


def test_a_product_stands_on_its_shelf_and_all_shelves_above(context):
    top = make_category("Table")
    below = make_category("Ceramics", parent=top)

    made = make_product(price=1450, categories=[below], options={"Color": ["Sage", "Cream"]})

    assert {found.category_id for found in rows(select(CategoryProduct.category_id))} == {top, below}
    assert row(select(Category.product_count).where(Category.id == top)).product_count == 1
    assert row(select(Product.price_from_minor, Product.available).where(Product.id == made.id)) == (1450, True)


def test_health_answers(client):
    assert client.get("/healthz").status_code == 200
    assert client.get("/readyz").status_code == 200
