"""The start page, and pages of text."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from flask import abort, redirect, render_template
from flask.typing import ResponseReturnValue

from shop.catalog.cards import Good, find_goods, show_cards
from shop.catalog.grid import Filters, Sort, list_goods
from shop.catalog.seo import dump_linked_data
from shop.catalog.tree import Shelf, category_tree
from shop.clock import now
from shop.content import bp
from shop.content.queries import FootPage, find_hero, find_page, find_voice, list_foot_pages, page_path, page_url
from shop.media.urls import ImageView
from shop.settings.queries import kept, shop_texts
from shop.web.context import set_alternates
from shop.web.locale import absolute_url, current_locale, path_in
from shop.web.pages import public_page
from shop.web.remembered import remembered

SHOWN = 4
DOORS = 3


class Door(NamedTuple):
    """A top shelf with the picture that leads to it."""

    shelf: Shelf
    image: ImageView | None


class Voice(NamedTuple):
    """What a customer says about a good."""

    author: str
    text: str
    good: Good


def foot_pages() -> list[FootPage]:
    """The pages that the foot of every page links to, in its language."""
    return list_foot_pages(current_locale(), at=now())


@bp.get("/")
@public_page
def home() -> ResponseReturnValue:
    """The merchant's picture and sentence, the rooms, what is new, a customer's voice, what people come back for."""
    locale = current_locale()
    newest = list_goods(Filters(), Sort.NEWEST, None, SHOWN).items
    loved = list_goods(Filters(), Sort.BESTSELLING, None, SHOWN).items
    facts = tuple(map(tuple, [*newest, *loved]))
    return remembered((), facts, lambda: _render_home(newest, loved, locale))


def _render_home(newest: Sequence[Any], loved: Sequence[Any], locale: str) -> str:
    texts, shelves = shop_texts(locale), category_tree(locale).roots
    return render_template(
        "content/home.html",
        hero=find_hero(texts.hero_image),
        doors=kept("catalog", ("doors", locale), lambda: _doors(shelves, locale)),
        rest=shelves[DOORS:],
        newest=show_cards(newest, locale),
        loved=show_cards(loved, locale),
        voice=_voice(locale),
        linked_data=dump_linked_data(
            {
                "@context": "https://schema.org",
                "@type": "OnlineStore",
                "name": texts.name,
                "url": absolute_url(path_in(locale, "/")),
                **({"description": texts.claim} if texts.claim else {}),
                **({"email": texts.email} if texts.email else {}),
                **({"telephone": texts.phone} if texts.phone else {}),
            }
        ),
    )


def _doors(shelves: list[Shelf], locale: str) -> list[Door]:
    """The first shelves; one without a picture of its own shows that of its first good."""
    doors = []
    for shelf in shelves[:DOORS]:
        image = shelf.image
        if image is None:
            first = list_goods(Filters(shelf.id), Sort.FEATURED, None, 1).items
            goods = find_goods([found.id for found in first], locale)
            image = next((good.image for good in goods.values()), None)
        doors.append(Door(shelf, image))
    return doors


def _voice(locale: str) -> Voice | None:
    found = find_voice(locale)
    good = find_goods([found.product_id], locale).get(found.product_id) if found else None
    return Voice(found.author, found.text, good) if found and good else None


@bp.get("/pages/<slug>")
@public_page
def show_page(slug: str) -> ResponseReturnValue:
    """A page that staff wrote."""
    locale = current_locale()
    page = find_page(slug, locale, at=now())
    if page is None:
        abort(404)
    if page.slug != slug:
        return redirect(page_url(locale, page.slug), 301)
    set_alternates({other: page_path(own) for other, own in page.slugs.items()})
    return render_template("content/show_page.html", page=page)
