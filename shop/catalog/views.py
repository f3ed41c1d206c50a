"""Walking through the shop: everything, a shelf, one good."""

from __future__ import annotations

from decimal import Decimal

from flask import abort, current_app, redirect, render_template, request
from flask.typing import ResponseReturnValue
from flask_babel import format_decimal
from flask_babel import gettext as _

from shop.catalog import bp
from shop.catalog.browsing import ALL_SORTS, PER_PAGE, SHELF_SORTS, Listing, Wanted, make_listing, read_wanted, remember_listing
from shop.catalog.cards import product_path, product_url, show_cards
from shop.catalog.choices import choose, variant_url
from shop.catalog.details import Detail, Moved, Shown, find_shown
from shop.catalog.grid import Count, Filters, count_goods, count_listed, list_goods
from shop.catalog.queries import VariantRow, find_moved_category
from shop.catalog.seo import Sale, crumbs_data, dump_linked_data, plain_text, product_data
from shop.catalog.tree import Shelf, category_path, category_tree
from shop.clock import now
from shop.media.urls import ImageView
from shop.money import Money
from shop.pricing.queries import prices_include_tax
from shop.settings.queries import shop_texts
from shop.web.context import set_alternates
from shop.web.locale import absolute_url, current_locale, path_in
from shop.web.pages import public_page
from shop.web.remembered import remembered

QUANTITY_MOST = 99


@bp.get("/products")
@public_page
def list_products() -> ResponseReturnValue:
    """Everything that the shop shows."""
    locale = current_locale()
    wanted = read_wanted(request.args, ALL_SORTS)
    filters = wanted.filters()
    page, count = list_goods(filters, wanted.sort, wanted.cursor, PER_PAGE), _count(filters)
    base = path_in(locale, "/products")
    listing = make_listing(wanted, page, base=base, locale=locale, sorts=ALL_SORTS, count=count, total=count_listed())
    return remember_listing(listing, lambda hollow: _render_products(hollow, locale)), _status(wanted)


def _render_products(listing: Listing, locale: str) -> str:
    crumbs = [(shop_texts(locale).name, path_in(locale, "/")), (_("Everything"), path_in(locale, "/products"))]
    return render_template(
        "catalog/list_products.html",
        listing=listing,
        shelves=[(_("Everything"), path_in(locale, "/products")), *((shelf.name, shelf.url) for shelf in category_tree(locale).roots)],
        linked_data=dump_linked_data(crumbs_data(crumbs)),
    )


@bp.get("/c/<slug>")
@public_page
def show_category(slug: str) -> ResponseReturnValue:
    """A shelf with everything on it and below."""
    locale = current_locale()
    shelf = category_tree(locale).by_slug.get(slug)
    if shelf is None:
        return _moved_category(slug, locale)
    wanted = read_wanted(request.args, SHELF_SORTS)
    filters = wanted.filters(shelf.id)
    page, count = list_goods(filters, wanted.sort, wanted.cursor, PER_PAGE), _count(filters)
    listing = make_listing(wanted, page, base=shelf.url, locale=locale, sorts=SHELF_SORTS, count=count, total=shelf.count)
    return remember_listing(listing, lambda hollow: _render_category(shelf, hollow, locale)), _status(wanted)


def _render_category(shelf: Shelf, listing: Listing, locale: str) -> str:
    set_alternates(_category_paths(shelf.id))
    crumbs = _crumbs(shelf, locale)
    return render_template(
        "catalog/show_category.html",
        shelf=shelf,
        listing=listing,
        crumbs=crumbs,
        pills_of=_pills(shelf),
        linked_data=dump_linked_data(crumbs_data(crumbs)),
    )


def _pills(shelf: Shelf) -> list[tuple[str, str]]:
    """The shelf and those below it; a shelf without any shows its neighbors."""
    above = shelf if shelf.children else shelf.parent
    return [(_("Everything"), above.url), *((child.name, child.url) for child in above.children)] if above else []


def _count(filters: Filters) -> Count | None:
    return count_goods(filters) if filters.is_narrowed else None


def _status(wanted: Wanted) -> int:
    return 422 if wanted.errors else 200


def _crumbs(shelf: Shelf | None, locale: str) -> list[tuple[str, str]]:
    """From the shop's door to the shelf: (name, URL)."""
    return [(shop_texts(locale).name, path_in(locale, "/")), *((step.name, step.url) for step in (shelf.trail if shelf else ()))]


def _category_paths(category_id: int) -> dict[str, str]:
    """Where the shelf stands in each language, without prefix."""
    found = {locale: category_tree(locale).by_id.get(category_id) for locale in current_app.extensions["config"].locales}
    return {locale: category_path(shelf.slug) for locale, shelf in found.items() if shelf}


def _moved_category(slug: str, locale: str) -> ResponseReturnValue:
    shelves = category_tree(locale).by_id
    found = next((shelves[category_id] for category_id in find_moved_category(slug, locale) if category_id in shelves), None)
    if found is None:
        abort(404)
    return _moved(found.url)


def _moved(url: str) -> ResponseReturnValue:
    """For ever to another address, what was asked for in the query included."""
    query = request.query_string.decode("ascii", "ignore")
    return redirect(f"{url}?{query}" if query else url, 301)


@bp.get("/p/<slug>")
@public_page
def show_product(slug: str) -> ResponseReturnValue:
    """One good, in the choice that the URL names: ``?color=sage&size=350``."""
    locale = current_locale()
    shown = find_shown(slug, locale, at=now())
    if isinstance(shown, Moved):
        return _moved(product_url(locale, shown.slug))
    if shown is None or not shown.variants:
        abort(404)
    asked = tuple([request.args.get(option.code) for option in shown.detail.options])
    return remembered(asked, (shown.detail.id, shown.variants, shown.beside), lambda: _render_product(shown, locale))


def _render_product(shown: Shown, locale: str) -> str:
    detail, variants = shown.detail, shown.variants
    set_alternates({other: product_path(own) for other, own in detail.slugs.items()})
    currency = current_app.extensions["config"].currency
    url = detail.url(locale)
    choice = choose(detail, variants, request.args, url=url, currency=currency)
    images = _gallery(detail, choice.variant)
    shelf = detail.shelf(locale)
    crumbs = _crumbs(shelf, locale)
    asked = choice.variant if any(request.args.get(option.code) for option in detail.options) else None
    sold = [(variant, absolute_url(variant_url(detail, variant, url))) for variant in variants]
    sale = Sale(sold, asked, currency, shop_texts(locale).name)
    offer = product_data(detail, choice.variant, images, sale, url=absolute_url(url))
    return render_template(
        "catalog/show_product.html",
        product=detail,
        choice=choice,
        variant=choice.variant,
        price=Money(choice.variant.price_minor, currency) if choice.variant else None,
        compare_at=_compare_at(choice.variant, currency),
        lowest=None if choice.variant is None or choice.variant.lowest_minor is None else Money(choice.variant.lowest_minor, currency),
        images=images,
        quantity_most=_quantity_most(choice.variant),
        is_sold_out=not any(variant.is_available for variant in variants),
        summary=plain_text(detail),
        tax_included=prices_include_tax(),
        crumbs=crumbs,
        facts=_facts(detail, choice.variant),
        beside=show_cards(shown.beside, locale),
        linked_data=dump_linked_data(offer, crumbs_data([*crumbs, (detail.name, url)])),
    )


def _compare_at(variant: VariantRow | None, currency: str) -> Money | None:
    return Money(variant.compare_at_minor, currency) if variant and variant.compare_at_minor and variant.is_reduced else None


def _gallery(detail: Detail, variant: VariantRow | None) -> list[ImageView]:
    """All pictures, that of the chosen variant first."""
    first = detail.pictures.get(variant.product_image_id or 0) if variant else None
    return [*([first] if first else []), *(picture for picture in detail.pictures.values() if picture is not first)]


def _facts(detail: Detail, variant: VariantRow | None) -> list[tuple[str, str]]:
    """The properties of the product, and those of the chosen variant."""
    facts = list(detail.facts)
    if variant and variant.weight_g:
        facts.append((_("Weight"), _say_weight(variant.weight_g)))
    if variant and variant.sku:
        facts.append((_("Number"), variant.sku))
    return facts


def _say_weight(grams: int) -> str:
    return f"{format_decimal(Decimal(grams) / 1000)} kg" if grams >= 1000 else f"{grams} g"


def _quantity_most(variant: VariantRow | None) -> int:
    if variant is None or variant.on_hand is None:
        return QUANTITY_MOST
    return min(variant.on_hand + variant.backorder, QUANTITY_MOST)
