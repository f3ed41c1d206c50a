"""Searching: all words, in names and numbers, without case and accents; a way on where nothing is."""

from __future__ import annotations

import re

import pytest

from shop.search.words import fold, pattern, split_words
from tests.factories import make_category, make_product


def found(client, words, **more):
    response = client.get("/search", query_string={"q": words, **more})
    assert response.status_code == 200
    return re.findall(r'<h2 class="card__name"><a[^>]*>([^<]*)</a>', response.get_data(as_text=True))


@pytest.fixture
def goods(context):
    make_product("Café olé", sku="CAF-1", price=500, categories=[make_category("Coffee", slug="coffee")])
    make_product("Stoneware mug", sku="MUG-77", price=1450)
    make_product("Glass 100% clear", price=900)


@pytest.mark.parametrize(
    ("words", "names"),
    [
        ("cafe", ["Café olé"]),
        ("CAFÉ OLE", ["Café olé"]),
        ("mug stone", ["Stoneware mug"]),
        ("mug cafe", []),
        ("mug-77", ["Stoneware mug"]),
        ("stone 77", ["Stoneware mug"]),
        ("100%", ["Glass 100% clear"]),
        ("%", ["Glass 100% clear"]),
        ("_", []),
        ("\\", []),
        ("' OR 1=1 --", []),
    ],
)
def test_all_words_must_match_names_or_numbers(client, goods, words, names):
    assert found(client, words) == names


def test_results_can_be_narrowed_and_sorted(client, goods):
    assert found(client, "a", max_price="10", sort="price_desc") == ["Glass 100% clear", "Café olé"]


def test_pages_of_results_lead_on(client, context):
    for number in range(26):
        make_product(f"Mug {number:02}")

    first = client.get("/search?q=mug").get_data(as_text=True)
    second = client.get(re.search(r'rel="next" href="([^"]+)"', first)[1].replace("&amp;", "&")).get_data(as_text=True)

    assert "26 goods" in first
    assert re.findall(r'card__name"><a[^>]*>([^<]*)<', second)[:2] == ["Mug 24", "Mug 25"]


def test_nothing_found_shows_a_way_on(client, goods):
    html = client.get("/search?q=sardines").get_data(as_text=True)

    assert "Nothing here called “sardines”" in html
    assert "What people come back for" in html
    assert 'href="/c/coffee"' in html


def test_results_are_not_indexed(client, goods):
    assert '<meta name="robots" content="noindex' in client.get("/search?q=mug").get_data(as_text=True)


@pytest.mark.parametrize("query", ["q=%00", "q=" + "a" * 201, "q=a&q=b", "q=a&sort=up", "q=a&cursor=x"])
def test_damaged_questions_are_refused_clearly(client, context, query):
    assert client.get(f"/search?{query}").status_code == 422


def test_an_empty_question_asks_back(client, context):
    assert "What are you looking for?" in client.get("/search?q=").get_data(as_text=True)


def test_suggestions_name_shelves_and_goods(client, goods):
    items = client.get("/api/v1/products/suggestions?q=cof").json["items"]
    assert [(item["kind"], item["url"]) for item in items] == [("category", "/c/coffee")]

    items = client.get("/api/v1/products/suggestions?q=caf").json["items"]
    assert [(item["kind"], item["name"], item["price"]["minor"]) for item in items] == [("product", "Café olé", 500)]


def test_one_letter_suggests_nothing_and_none_is_refused(client, goods):
    assert client.get("/api/v1/products/suggestions?q=c").json == {"items": []}
    assert client.get("/api/v1/products/suggestions").status_code == 422


def test_words_are_folded_and_few():
    assert fold("Ñandú ÉCLAIR ł") == "nandu eclair l"
    assert split_words("a A b " + "c " * 20) == ["a", "b", "c"]
    assert pattern("50%_\\") == "%50\\%\\_\\\\%"
