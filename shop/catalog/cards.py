"""Goods as they stand on a shelf: what moves comes with each list's row, what stays (names, pictures) is remembered per catalog version.

The memory is bounded and forgets what was not asked for lately. A card is rendered once for the same facts, and kept as bytes: they take half
the room of a text that holds a €.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple
from urllib.parse import quote

from flask import current_app
from flask_babel import gettext as _
from flask_babel import ngettext
from markupsafe import Markup
from sqlalchemy import bindparam, func, select, true
from sqlalchemy.orm import aliased

from shop.cache import this_cache
from shop.cache.rooms import Room
from shop.catalog.models import Product, ProductImage, ProductImageText, ProductText
from shop.db import rows
from shop.media.models import Image
from shop.media.urls import ImageView, image_view
from shop.money import Money
from shop.settings.queries import topic_version
from shop.web.locale import path_in

LIST_SIZES = "(min-width: 75rem) 20rem, (min-width: 40rem) 30vw, 46vw"
SHELF_SIZES = "(min-width: 62rem) 22vw, (min-width: 40rem) 30vw, 46vw"


class Style(NamedTuple):
    """How a card is set: the level of its heading, the width of its picture, whether it is among the first that one sees."""

    heading: str = "h3"
    sizes: str = SHELF_SIZES
    eager: bool = False


BESIDE = Style()
IN_LIST = Style("h2", LIST_SIZES)
FIRST_IN_LIST = Style("h2", LIST_SIZES, eager=True)
EAGER = 3
GOODS_MOST, CARDS_MOST = 1000, 2000


FACTS_OF = (Product.price_from_minor, Product.price_to_minor, Product.compare_at_minor, Product.available, Product.pieces_left)


class Facts(NamedTuple):
    """What moves without the catalog's version: prices and stock. Equal facts make equal cards."""

    price_from_minor: int
    price_to_minor: int
    compare_at_minor: int | None
    available: bool
    pieces_left: int | None


class Good(NamedTuple):
    """What stays of a product in one language while the catalog does."""

    id: int
    name: str
    slug: str
    note: str
    url: str
    image: ImageView | None
    hover: ImageView | None
    colors: tuple[str, ...]


class Card(NamedTuple):
    """A good with its facts, as the macro ``card`` takes it."""

    url: str
    name: str
    note: str
    image: ImageView | None
    hover: ImageView | None
    price: Money
    compare_at: Money | None
    is_from: bool
    colors: tuple[str, ...]
    stock_note: str
    is_sold_out: bool


_own, _other, _any = aliased(ProductText), aliased(ProductText), aliased(ProductText)
_first, _second = aliased(Image), aliased(Image)
_alt, _other_alt = aliased(ProductImageText), aliased(ProductImageText)
OTHER_LOCALE = (
    select(_any.locale)
    .where(_any.product_id == Product.id)
    .order_by((_any.locale == bindparam("default")).desc(), _any.locale)
    .limit(1)
    .correlate(Product)
    .scalar_subquery()
)
GOODS = (
    select(
        Product.id,
        Product.handle,
        Product.swatches,
        func.coalesce(_own.name, _other.name).label("name"),
        func.coalesce(_own.slug, _other.slug).label("slug"),
        func.coalesce(_own.subtitle, _other.subtitle).label("note"),
        _first.hash,
        _first.width,
        _first.height,
        _first.widths,
        func.coalesce(_alt.alt, _other_alt.alt).label("alt"),
        _second.hash.label("second_hash"),
        _second.width.label("second_width"),
        _second.height.label("second_height"),
        _second.widths.label("second_widths"),
    )
    .outerjoin(_own, (_own.product_id == Product.id) & (_own.locale == bindparam("locale")))
    .outerjoin(_other, (_other.product_id == Product.id) & (_other.locale == OTHER_LOCALE))
    .outerjoin(_first, _first.id == Product.image_id)
    .outerjoin(_second, _second.id == Product.second_image_id)
    .outerjoin(ProductImage, (ProductImage.product_id == Product.id) & (ProductImage.image_id == Product.image_id))
    .outerjoin(_alt, (_alt.product_image_id == ProductImage.id) & (_alt.locale == bindparam("locale")))
    .outerjoin(_other_alt, (_other_alt.product_image_id == ProductImage.id) & (_other_alt.locale == bindparam("default")))
    .where(Product.id.in_(bindparam("ids", expanding=True)))
)

FACTS = select(Product.id, *FACTS_OF).where(Product.id.in_(bindparam("ids", expanding=True)), Product.is_listed == true())


def product_path(slug: str) -> str:
    """Where a product stands, without the prefix of a language."""
    return f"/p/{quote(slug)}"


def product_url(locale: str, slug: str) -> str:
    return path_in(locale, product_path(slug))


def find_goods(ids: Iterable[int], locale: str) -> dict[int, Good]:
    """The goods with these ids; one statement for those that are not remembered."""
    room: Room[Good] = this_cache().room("goods", GOODS_MOST)
    version = topic_version("catalog")
    found, missing = {}, []
    for product_id in ids:
        known = room.find((locale, product_id), version)
        if known is not None:
            found[product_id] = known
        else:
            missing.append(product_id)
    if missing:
        for row in rows(GOODS, ids=missing, locale=locale, default=current_app.extensions["config"].locales[0]):
            good = found[row.id] = _good(row, locale)
            room.keep((locale, row.id), version, good)
    return found


def find_facts(ids: Sequence[int]) -> dict[int, Facts]:
    """Prices and stock of those of these goods that the shop shows, as they are now, in the order that was asked for."""
    found = {row.id: Facts._make(row[1:]) for row in rows(FACTS, ids=ids)} if ids else {}
    return {product_id: found[product_id] for product_id in ids if product_id in found}


def _good(row: Any, locale: str) -> Good:
    slug = row.slug or row.handle
    return Good(
        row.id,
        row.name or row.handle,
        slug,
        row.note or "",
        product_url(locale, slug),
        image_view(row.hash, row.width, row.height, row.widths, row.alt),
        image_view(row.second_hash, row.second_width, row.second_height, row.second_widths),
        tuple(row.swatches.split()),
    )


def show_cards(found: Sequence[Any], locale: str) -> Markup:
    """The cards of a list's rows, for a template."""
    return Markup(join_cards(found, locale).decode())  # noqa: S704 - rendered by our own templates


def join_cards(found: Sequence[Any], locale: str, style: Style = BESIDE, first: Style | None = None) -> bytes:
    """The cards of a list's rows, as ``<li>`` after ``<li>``; ``first`` is the style of those that one sees first."""
    room: Room[bytes] = this_cache().room("cards", CARDS_MOST)
    version = topic_version("catalog")
    shown: dict[Any, bytes | None] = {}
    missing = {}
    for at, row in enumerate(found):
        key, state = (locale, row.id, style if first is None or at >= EAGER else first), (version, row[2:])
        html = shown[key] = room.find(key, state)
        if html is None:
            missing[key] = row, state
    if missing:
        goods = find_goods([row.id for row, _state in missing.values()], locale)
        for key, (row, state) in missing.items():
            if row.id in goods:
                html = shown[key] = render_card(make_card(goods[row.id], Facts(*row[2:])), key[2]).encode()
                room.keep(key, state, html)
    return b"\n".join([html for html in shown.values() if html])


def render_card(card: Card, style: Style) -> str:
    module: Any = current_app.jinja_env.get_template("macros/card.html").module
    return str(module.card(card, style.heading, style.sizes, style.eager))


def make_card(good: Good, facts: Facts) -> Card:
    """The good with its prices and what is true about its stock, in words."""
    currency = current_app.extensions["config"].currency
    return Card(
        good.url,
        good.name,
        good.note,
        good.image,
        good.hover,
        Money(facts.price_from_minor, currency),
        None if facts.compare_at_minor is None else Money(facts.compare_at_minor, currency),
        facts.price_to_minor > facts.price_from_minor,
        good.colors,
        say_stock(facts),
        not facts.available,
    )


def say_stock(facts: Facts) -> str:
    """ "Sold out", "Last 3", or nothing worth a word."""
    if not facts.available:
        return _("Sold out")
    if facts.pieces_left:
        return str(ngettext("The last one", "Last %(num)d", facts.pieces_left))
    return ""
