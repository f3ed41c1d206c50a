"""Suggestions while somebody types."""

from __future__ import annotations

from typing import Any

from flask import Response

from shop.auth.current import network
from shop.auth.limits import count_try, search_key
from shop.catalog.api import asked_locale
from shop.catalog.cards import find_facts, find_goods, make_card
from shop.catalog.pictures import dump_picture
from shop.catalog.schemas import SuggestionsQuery, SuggestionsSchema
from shop.catalog.tree import category_tree
from shop.clock import now
from shop.errors import Invalid
from shop.search import bp
from shop.search.lately import suggest_lately
from shop.search.words import fold, split_words
from shop.web.api import describe, load_query
from shop.web.json import json_response
from shop.web.locale import speaking

SHORTEST = 2
SHELVES_MOST = 3


@bp.get("/api/v1/products/suggestions")
@describe("Suggest shelves and goods for what was typed so far", query=SuggestionsQuery(), answer=SuggestionsSchema(), errors=[Invalid])
def show_results_json() -> Response:
    count_try(search_key(network()), at=now())
    query = load_query(SuggestionsQuery())
    locale = asked_locale(query)
    if len(query["q"]) < SHORTEST:
        return json_response({"items": []})
    with speaking(locale):
        return json_response({"items": [*_shelves(query["q"], locale), *_goods(query["q"], locale)]})


def _shelves(typed: str, locale: str) -> list[dict[str, Any]]:
    wanted = split_words(typed)
    found = [shelf for shelf in category_tree(locale) if wanted and all(word in (fold(shelf.name) or "") for word in wanted)]
    return [
        {"kind": "category", "name": shelf.name, "url": shelf.url, "image": dump_picture(shelf.image), "price": None}
        for shelf in found[:SHELVES_MOST]
    ]


def _goods(typed: str, locale: str) -> list[dict[str, Any]]:
    found = find_facts(suggest_lately(typed, locale=locale, at=now()))
    goods = find_goods(found, locale)
    cards = [make_card(goods[product_id], facts) for product_id, facts in found.items() if product_id in goods]
    return [
        {"kind": "product", "name": card.name, "url": card.url, "image": dump_picture(card.image), "price": card.price.dump()}
        for card in cards
    ]
