"""What machines read says what people see."""

from __future__ import annotations

import json
import re

import pytest
from sqlalchemy import update

from shop.catalog.models import Price, ProductText
from shop.catalog.seo import dump_linked_data
from shop.db import transaction
from shop.settings.services import touch_topic
from tests.factories import make_category, make_product


def linked_data(html):
    found = json.loads(re.search(r'<script type="application/ld\+json">(.*?)</script>', html, re.S)[1])
    return {thing["@type"]: thing for thing in (found if isinstance(found, list) else [found])}


@pytest.fixture
def mug(context):
    shelf = make_category("Table", slug="table")
    return make_product("Mug", slug="mug", price=1450, options={"Size": ["250", "350"]}, categories=[shelf])


def make_the_large_one_dearer(mug):
    with transaction() as session:
        session.execute(update(Price).where(Price.variant_id == mug.variant_ids[1]).values(minor=1700))


@pytest.mark.parametrize("query", ["", "?size=250", "?size=350"])
def test_the_price_is_that_of_the_page(client, mug, query):
    if query:
        make_the_large_one_dearer(mug)

    html = client.get(f"/p/mug{query}").get_data(as_text=True)

    shown = re.search(r'<strong><data value="([\d.]+)">', html)[1]
    offer = linked_data(html)["Product"]["offers"]
    assert offer["price"] == shown == ("17.00" if query == "?size=350" else "14.50")
    assert offer["availability"] == "https://schema.org/InStock"
    assert f'content="{shown}"' in html


def test_where_prices_differ_and_nothing_is_chosen_all_of_them_are_named(client, mug):
    make_the_large_one_dearer(mug)

    offer = linked_data(client.get("/p/mug").get_data(as_text=True))["Product"]["offers"]

    assert offer["@type"] == "AggregateOffer"
    assert (offer["lowPrice"], offer["highPrice"], offer["offerCount"]) == ("14.50", "17.00", 2)
    assert [(each["price"], each["url"].partition("?")[2]) for each in offer["offers"]] == [("14.50", "size=250"), ("17.00", "size=350")]


def test_the_crumbs_are_those_of_the_page(client, mug):
    html = client.get("/p/mug").get_data(as_text=True)

    steps = linked_data(html)["BreadcrumbList"]["itemListElement"]

    assert [step["name"] for step in steps] == ["Bodega", "Table", "Mug"]
    assert steps[1]["item"] == "http://127.0.0.1:8000/c/table"


def test_stars_are_named_only_where_somebody_gave_some(client, mug):
    assert "aggregateRating" not in linked_data(client.get("/p/mug").get_data(as_text=True))["Product"]


def test_a_name_cannot_end_the_script(client, mug):
    with transaction() as session:
        session.execute(update(ProductText).values(name="</script><script>alert(1)</script>"))
        touch_topic("catalog")

    html = client.get("/p/mug").get_data(as_text=True)

    assert "<script>alert" not in html
    assert linked_data(html)["Product"]["name"] == "</script><script>alert(1)</script>"


def test_what_ends_an_element_or_a_line_is_escaped():
    assert str(dump_linked_data({"a": "<&>\u2028"})) == '{"a":"\\u003c\\u0026\\u003e\\u2028"}'
