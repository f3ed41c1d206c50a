"""The catalog as JSON: exactly these shapes, strict questions, entity tags."""

from __future__ import annotations

import pytest
from sqlalchemy import update

from shop.catalog.models import ProductText
from shop.db import transaction
from tests.factories import make_category, make_product


@pytest.fixture
def mug(context):
    shelf = make_category("Table", slug="table")
    return make_product("Mug", slug="mug", price=1450, compare_at=1600, options={"Color": ["Sage", "Cream"]}, stock=4, categories=[shelf])


def test_a_list_has_items_and_the_way_on(client, mug):
    make_product("Bowl", slug="bowl", price=900)

    first = client.get("/api/v1/products?limit=1&sort=price_desc").json

    assert first["items"] == [
        {
            "id": mug.id,
            "slug": "mug",
            "name": "Mug",
            "url": "/p/mug",
            "image": None,
            "price": {"minor": 1450, "currency": "EUR"},
            "compare_at": {"minor": 1600, "currency": "EUR"},
            "available": True,
        }
    ]
    second = client.get(first["next"]).json
    assert [item["slug"] for item in second["items"]] == ["bowl"]
    assert second["next"] is None


def test_a_list_is_narrowed_by_shelf_price_stock_and_words(client, mug):
    make_product("Bowl", slug="bowl", price=900, stock=0)

    def slugs(query):
        return [item["slug"] for item in client.get(f"/api/v1/products?{query}").json["items"]]

    assert slugs("category=table") == ["mug"]
    assert slugs("max_price=900") == ["bowl"]
    assert slugs("in_stock=true") == ["mug"]
    assert slugs("q=BOW") == ["bowl"]
    assert slugs("q=mug&category=table&min_price=1450&max_price=1450&in_stock=1") == ["mug"]


def test_a_product_comes_with_its_variants(client, mug):
    product = client.get("/api/v1/products/mug").json

    assert list(product) == [
        "id", "slug", "name", "url", "image", "price", "compare_at", "available",
        "description_html", "images", "categories", "options", "variants",
    ]  # fmt: skip
    assert product["options"] == [{"name": "Color", "values": ["Sage", "Cream"]}]
    assert product["variants"][1] == {
        "id": mug.variant_ids[1],
        "sku": product["variants"][1]["sku"],
        "options": {"Color": "Cream"},
        "price": {"minor": 1450, "currency": "EUR"},
        "compare_at": {"minor": 1600, "currency": "EUR"},
        "lowest_30_days": None,
        "available": True,
        "stock": 4,
        "ships_in_days": None,
    }
    assert [shelf["slug"] for shelf in product["categories"]] == ["table"]


def test_stock_that_nobody_counts_is_null(client, context):
    make_product(slug="card", stock=None)

    variant = client.get("/api/v1/products/card").json["variants"][0]

    assert (variant["stock"], variant["available"]) == (None, True)


def test_the_tree_of_categories(client, context):
    top = make_category("Table", slug="table")
    make_category("Ceramics", slug="ceramics", parent=top)

    (shelf,) = client.get("/api/v1/categories").json["items"]

    assert (shelf["slug"], shelf["url"], shelf["count"]) == ("table", "/c/table", 0)
    assert [child["slug"] for child in shelf["children"]] == ["ceramics"]


def test_another_language_is_asked_for_by_name(client, mug):
    with transaction() as session:
        session.execute(update(ProductText).where(ProductText.locale == "es").values(name="Taza", slug="taza"))

    assert client.get("/api/v1/products?locale=es").json["items"][0]["url"] == "/es/p/taza"
    assert client.get("/api/v1/products/taza?locale=es").json["name"] == "Taza"


@pytest.mark.parametrize(
    "query",
    [
        "foo=1", "limit=0", "limit=x", "limit=9223372036854775808", "min_price=NaN", "min_price=-1", "max_price=9223372036854775808",
        "in_stock=maybe", "sort=up", "cursor=x", "cursor=e30", "category=nix", "locale=xx", "q=%00", "sort=new&sort=new", "q=" + "a" * 201,
    ],
)  # fmt: skip
def test_a_wrong_question_is_refused_with_its_pointer(client, context, query):
    response = client.get(f"/api/v1/products?{query}")

    assert response.status_code == 422
    assert response.content_type == "application/problem+json"
    assert response.json["errors"][0]["pointer"].strip("/") in query


def test_a_large_limit_means_a_hundred(client, context):
    for _ in range(3):
        make_product()

    assert len(client.get("/api/v1/products?limit=100000").json["items"]) == 3


@pytest.mark.parametrize("path", ["/api/v1/products", "/api/v1/products/mug", "/api/v1/categories"])
def test_who_has_it_already_gets_304(client, mug, path):
    tag = client.get(path).headers["ETag"]

    assert client.get(path, headers={"If-None-Match": tag}).status_code == 304


def test_what_is_not_there_is_a_problem(client, context):
    response = client.get("/api/v1/products/nix")

    assert (response.status_code, response.content_type) == (404, "application/problem+json")
