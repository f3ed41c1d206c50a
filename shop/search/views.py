"""The page of results."""

from __future__ import annotations

from flask import current_app, render_template, request
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from shop.auth.current import network
from shop.auth.limits import count_try, search_key
from shop.catalog.browsing import ALL_SORTS, PER_PAGE, make_listing, read_wanted
from shop.catalog.cards import show_cards
from shop.catalog.grid import Count, Filters, Sort, list_goods
from shop.catalog.tree import category_tree
from shop.clock import now
from shop.errors import Invalid
from shop.search import bp
from shop.search.engine import SearchEngine
from shop.search.lately import count_lately
from shop.search.words import fold, split_words
from shop.web.locale import current_locale, path_in
from shop.web.pages import public_page
from shop.web.text import clean_text

LONGEST = 200
POPULAR = 4


@bp.get("/search")
@public_page
def show_results() -> ResponseReturnValue:
    """What is called like the words; where nothing is, a way on."""
    count_try(search_key(network()), at=now())
    locale = current_locale()
    words = read_words()
    wanted = read_wanted(request.args, ALL_SORTS)
    engine: SearchEngine = current_app.extensions["search"]
    filters = wanted.filters()
    page = engine.search(words, filters, wanted.sort, wanted.cursor, PER_PAGE, locale=locale)
    is_whole = not (wanted.cursor or page.next_cursor)  # then it is counted already
    count = Count(len(page.items)) if is_whole else count_lately(words, filters, locale=locale, at=now())
    listing = make_listing(
        wanted, page, base=path_in(locale, "/search"), locale=locale, sorts=ALL_SORTS, count=count, total=0, kept={"q": words}
    )
    found_nothing = not page.items and not wanted.cursor
    html = render_template(
        "search/show_results.html",
        words=words,
        listing=listing,
        shelves=_shelves(words, locale),
        found_nothing=found_nothing,
        popular=show_popular(locale) if found_nothing else "",
    )
    return html, 422 if wanted.errors else 200


def read_words() -> str:
    """What was typed, cleaned.

    Raises:
        Invalid: it is too long, damaged or given twice.
    """
    if len(request.args.getlist("q")) > 1:
        raise Invalid({"/q": [_("Give this parameter once.")]}, _("Search for one thing at a time."))
    try:
        return clean_text(request.args.get("q", ""), maximum=LONGEST)
    except ValueError as error:
        raise Invalid({"/q": [str(error)]}, str(error)) from None


def _shelves(words: str, locale: str) -> list[tuple[str, str]]:
    """Shelves that are called so."""
    wanted = split_words(words)
    return [
        (shelf.name, shelf.url) for shelf in category_tree(locale) if wanted and all(word in (fold(shelf.name) or "") for word in wanted)
    ][:6]


def show_popular(locale: str) -> str:
    """Cards of what people come back for."""
    return show_cards(list_goods(Filters(), Sort.BESTSELLING, None, POPULAR).items, locale)
