"""Words that were asked for lately are found again without looking through the shop; what they cost and whether they are there is as it is now."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import update

from shop.catalog.grid import Count, Filters
from shop.catalog.listing import refresh_listing
from shop.catalog.models import Price, Product
from shop.db import transaction
from shop.search.lately import count_lately, suggest_lately
from shop.settings.services import touch_topic
from tests.factories import NOON, make_product

SUGGESTIONS = "/api/v1/products/suggestions?q=mug"


@pytest.fixture
def mugs(context):
    return [make_product(f"Mug {number}", price=1000).id for number in range(3)]


def test_the_same_words_are_looked_for_once(client, mugs, statements):
    first = client.get(SUGGESTIONS).json
    statements.clear()

    assert client.get(SUGGESTIONS).json == client.get(SUGGESTIONS.replace("mug", "MUG")).json == first
    assert all("LIKE" not in statement for statement in statements)
    assert len(statements) == 2, "prices and stock, twice"


def test_prices_are_never_older_than_the_request(client, mugs):
    assert client.get(SUGGESTIONS).json["items"][0]["price"]["minor"] == 1000

    with transaction() as session:
        session.execute(update(Price).values(minor=4711))
        refresh_listing(mugs, at=NOON)

    assert {item["price"]["minor"] for item in client.get(SUGGESTIONS).json["items"]} == {4711}


def test_what_is_no_longer_shown_is_not_suggested(client, mugs):
    client.get(SUGGESTIONS)

    with transaction() as session:
        session.execute(update(Product).where(Product.id == mugs[0]).values(is_listed=False))

    assert len(client.get(SUGGESTIONS).json["items"]) == 2


def test_a_minute_or_a_new_catalog_ends_it(context, mugs, monkeypatch):
    def find(at):
        return len(suggest_lately("mug", locale="en", at=at)), count_lately("mug", Filters(), locale="en", at=at)

    assert find(NOON) == (3, Count(3))
    with transaction() as session:
        session.execute(update(Product).where(Product.id == mugs[0]).values(is_listed=False))

    assert find(NOON + timedelta(seconds=59)) == (3, Count(3))
    assert find(NOON + timedelta(seconds=60)) == (2, Count(2))
    touch_topic("catalog")
    assert find(NOON) == (2, Count(2))
