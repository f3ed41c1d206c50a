"""Suggestions while somebody types."""

from __future__ import annotations

from typing import Any

from flask import Response, current_app

from shop.catalog.api import asked_locale
from shop.catalog.cards import Facts, find_goods, make_card
from shop.catalog.pictures import dump_picture
from shop.catalog.schemas import SuggestionsQuery, SuggestionsSchema
from shop.catalog.tree import category_tree
from shop.errors import Invalid
from shop.search import bp
from shop.search.engine import SearchEngine
from shop.search.words import fold, split_words
from shop.web.api import describe, load_query
from shop.web.json import json_response
from shop.web.locale import speaking

SHORTEST = 2
SHELVES_MOST = 3


@bp.get("/api/v1/products/suggestions")
@describe("Suggest shelves and goods for what was typed so far", query=SuggestionsQuery(), answer=SuggestionsSchema(), errors=[Invalid])
def show_results_json() -> Response:
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
    engine: SearchEngine = current_app.extensions["search"]
    found = engine.suggest(typed, locale=locale)
    goods = find_goods([row.id for row in found], locale)
    cards = [make_card(goods[row.id], Facts(*row[2:])) for row in found if row.id in goods]
    return [
        {"kind": "product", "name": card.name, "url": card.url, "image": dump_picture(card.image), "price": card.price.dump()}
        for card in cards
    ]
