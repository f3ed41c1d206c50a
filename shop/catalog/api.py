"""The catalog as JSON. In the default language, or in that of ``?locale=es``: the path itself never carries a language."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from flask import Response, current_app, request
from flask_babel import gettext as _

from shop.catalog import bp
from shop.catalog.cards import Card, Facts, find_goods, make_card, product_url
from shop.catalog.details import Detail, Moved, find_shown
from shop.catalog.grid import Filters, Sort, list_goods
from shop.catalog.pictures import dump_picture
from shop.catalog.queries import VariantRow
from shop.catalog.schemas import (
    LIMIT,
    LIMIT_MOST,
    GoodsSchema,
    LocaleQuery,
    ProductSchema,
    ProductsQuery,
    TreeSchema,
)
from shop.catalog.tree import Shelf, category_tree
from shop.clock import now
from shop.errors import Invalid, NotFound
from shop.money import Money
from shop.web.api import describe, load_query
from shop.web.json import json_response
from shop.web.locale import speaking


def asked_locale(query: dict[str, Any]) -> str:
    """The language that ``?locale=`` names, or the default one."""
    return str(query.get("locale") or current_app.extensions["config"].locales[0])


@bp.get("/api/v1/products")
@describe("List products, narrowed, searched and sorted", query=ProductsQuery(), answer=GoodsSchema(), errors=[Invalid])
def list_products_json() -> Response:
    query = load_query(ProductsQuery())
    locale = asked_locale(query)
    filters = Filters(_category_id(query, locale), query.get("min_price"), query.get("max_price"), query.get("in_stock", False))
    sort, limit = Sort(query.get("sort", Sort.FEATURED)), min(query.get("limit", LIMIT), LIMIT_MOST)
    if sort is Sort.BESTSELLING and filters.category_id is not None:
        raise Invalid({"/sort": [_("Within a category goods are not listed by sales.")]})
    with speaking(locale):
        if query.get("q"):
            page = current_app.extensions["search"].search(query["q"], filters, sort, query.get("cursor"), limit, locale=locale)
        else:
            page = list_goods(filters, sort, query.get("cursor"), limit)
        return json_response({"items": dump_goods(page.items, locale), "next": _next_url(page.next_cursor)})


def _category_id(query: dict[str, Any], locale: str) -> int | None:
    if not query.get("category"):
        return None
    shelf = category_tree(locale).by_slug.get(query["category"])
    if shelf is None:
        raise Invalid({"/category": [_("There is no such category.")]})
    return shelf.id


def _next_url(cursor: str | None) -> str | None:
    """This very request with the cursor of the following page."""
    if cursor is None:
        return None
    return f"{request.path}?{urlencode({**request.args.to_dict(), 'cursor': cursor})}"


def dump_goods(found: list[Any], locale: str) -> list[dict[str, Any]]:
    """The rows of a list as JSON."""
    goods = find_goods([row.id for row in found], locale)
    return [_dump_good(row.id, goods[row.id].slug, make_card(goods[row.id], Facts(*row[2:]))) for row in found if row.id in goods]


def _dump_good(product_id: int, slug: str, card: Card) -> dict[str, Any]:
    return {
        "id": product_id,
        "slug": slug,
        "name": card.name,
        "url": card.url,
        "image": dump_picture(card.image),
        "price": card.price.dump(),
        "compare_at": card.compare_at and card.compare_at.dump(),
        "available": not card.is_sold_out,
    }


@bp.get("/api/v1/products/<slug>")
@describe("Show a product with its variants", query=LocaleQuery(), answer=ProductSchema(), errors=[NotFound, Invalid])
def show_product_json(slug: str) -> Response:
    locale = asked_locale(load_query(LocaleQuery()))
    with speaking(locale):
        shown = find_shown(slug, locale, at=now())
        if isinstance(shown, Moved):
            shown = find_shown(shown.slug, locale, at=now())
        if shown is None or isinstance(shown, Moved) or not shown.variants:
            raise NotFound(_("There is no such product."))
        return json_response(_dump_product(shown.detail, shown.variants, locale))


def _dump_product(detail: Detail, variants: list[VariantRow], locale: str) -> dict[str, Any]:
    currency = current_app.extensions["config"].currency
    images = [dump_picture(picture) for picture in detail.pictures.values()]
    tree = category_tree(locale).by_id
    cheapest = _dump_variant(detail, min(variants, key=lambda variant: variant.price_minor), currency)
    return {
        "id": detail.id,
        "slug": detail.slug,
        "name": detail.name,
        "url": product_url(locale, detail.slug),
        "image": images[0] if images else None,
        "price": cheapest["price"],
        "compare_at": cheapest["compare_at"],
        "available": any(variant.is_available for variant in variants),
        "description_html": str(detail.description),
        "images": images,
        "categories": [_dump_link(tree[shelf]) for shelf in detail.shelves if shelf in tree],
        "options": [{"name": option.name, "values": [value.name for value in option.values]} for option in detail.options],
        "variants": [_dump_variant(detail, variant, currency) for variant in variants],
    }


def _dump_variant(detail: Detail, variant: VariantRow, currency: str) -> dict[str, Any]:
    chosen = detail.choices.get(variant.id, {})
    return {
        "id": variant.id,
        "sku": variant.sku,
        "options": {option.name: value.name for option in detail.options for value in option.values if chosen.get(option.id) == value.id},
        "price": Money(variant.price_minor, currency).dump(),
        "compare_at": Money(variant.compare_at_minor, currency).dump() if variant.is_reduced and variant.compare_at_minor else None,
        "lowest_30_days": None if variant.lowest_minor is None else Money(variant.lowest_minor, currency).dump(),
        "available": variant.is_available,
        "stock": None if variant.on_hand is None else max(variant.on_hand, 0),
        "ships_in_days": variant.lead_days if variant.ships_later else None,
    }


@bp.get("/api/v1/categories")
@describe("Show the tree of categories", query=LocaleQuery(), answer=TreeSchema(), errors=[Invalid])
def list_categories_json() -> Response:
    locale = asked_locale(load_query(LocaleQuery()))
    return json_response({"items": [_dump_shelf(shelf) for shelf in category_tree(locale).roots]})


def _dump_shelf(shelf: Shelf) -> dict[str, Any]:
    return {
        **_dump_link(shelf),
        "sentence": shelf.sentence,
        "image": dump_picture(shelf.image),
        "count": shelf.count,
        "children": [_dump_shelf(child) for child in shelf.children],
    }


def _dump_link(shelf: Shelf) -> dict[str, Any]:
    return {"id": shelf.id, "slug": shelf.slug, "name": shelf.name, "url": shelf.url}
