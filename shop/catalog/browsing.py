"""A list of goods as a page: what the visitor asked for in the URL, checked; its cards, its counts, the ways on.

Category, "everything" and search share it. The URL's parameters: ``sort``, ``min_price`` and ``max_price`` as people write amounts,
``in_stock=1``, ``cursor``.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any
from urllib.parse import urlencode

from flask import current_app
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from markupsafe import Markup
from werkzeug.datastructures import MultiDict

from shop.catalog.cards import FIRST_IN_LIST, IN_LIST, join_cards
from shop.catalog.grid import Count, Filters, Sort
from shop.errors import Invalid
from shop.money import Money, format_money
from shop.web.pagination import CURSOR_MAX, Page
from shop.web.remembered import gap, remembered
from shop.web.text import clean_amount

PER_PAGE = 24
SORT_NAMES = {
    Sort.FEATURED: _l("Our favorites"),
    Sort.NEWEST: _l("Newest"),
    Sort.CHEAPEST: _l("Price, low to high"),
    Sort.DEAREST: _l("Price, high to low"),
    Sort.BESTSELLING: _l("Best-selling"),
}
SHELF_SORTS = (Sort.FEATURED, Sort.NEWEST, Sort.CHEAPEST, Sort.DEAREST)
ALL_SORTS = tuple(Sort)


@dataclass(slots=True)
class Wanted:
    """What the URL asks for. ``typed`` keeps prices as they were typed, ``errors`` says at which of them we stumbled."""

    sort: Sort
    low: Money | None = None
    high: Money | None = None
    in_stock: bool = False
    cursor: str | None = None
    typed: dict[str, str] = field(default_factory=dict)
    errors: dict[str, str] = field(default_factory=dict)

    def filters(self, category_id: int | None = None) -> Filters:
        low, high = (None if price is None else price.minor for price in (self.low, self.high))
        return Filters(category_id, low, high, self.in_stock)

    @property
    def chosen(self) -> int:
        """How many filters are set."""
        return (self.low is not None) + (self.high is not None) + self.in_stock


def read_wanted(args: MultiDict[str, str], sorts: Sequence[Sort], default: Sort = Sort.FEATURED) -> Wanted:
    """Check the parameters of a list; parameters of others (``utm_source``) are left alone.

    Raises:
        Invalid: one is given twice, or the order, the cursor or the tick is none that we wrote into a link.
    """
    wanted = Wanted(default)
    if not args:
        return wanted
    for name in ("sort", "min_price", "max_price", "in_stock", "cursor"):
        if len(args.getlist(name)) > 1:
            raise Invalid({f"/{name}": [_("Give this parameter once.")]}, _("This link names the same filter twice. Choose again here."))
    _read_order(wanted, args, sorts)
    wanted.low = _read_price(wanted, args, "min_price")
    wanted.high = _read_price(wanted, args, "max_price")
    if wanted.low is not None and wanted.high is not None and wanted.low > wanted.high:
        wanted.errors["max_price"] = _("This is less than the other price.")
        wanted.high = None
    return wanted


def _read_order(wanted: Wanted, args: MultiDict[str, str], sorts: Sequence[Sort]) -> None:
    word = args.get("sort", "")
    if word:
        if word not in set(sorts):
            raise Invalid({"/sort": [_("There is no such order.")]}, _("Goods cannot be listed in this order. Choose another one."))
        wanted.sort = Sort(word)
    tick = args.get("in_stock", "")
    if tick not in {"", "0", "1", "true", "false"}:
        raise Invalid({"/in_stock": [_("Send true or false.")]}, _("This link is damaged. Choose again here."))
    wanted.in_stock = tick in {"1", "true"}
    wanted.cursor = args.get("cursor") or None
    if wanted.cursor and len(wanted.cursor) > CURSOR_MAX:
        raise Invalid({"/cursor": [_("This is not a place in this list. Start again without a cursor.")]})


def _read_price(wanted: Wanted, args: MultiDict[str, str], name: str) -> Money | None:
    typed = args.get(name, "")
    if not typed.strip():
        return None
    wanted.typed[name] = typed[:40].encode("utf-8", "replace").decode().replace("\0", "")
    try:
        return clean_amount(typed, current_app.extensions["config"].currency)
    except ValueError as error:
        wanted.errors[name] = str(error)
        return None


@dataclass(slots=True)
class Listing:
    """What the template ``catalog/_listing.html`` shows. ``count`` is None where nothing narrows the list: then it is all of ``total``."""

    wanted: Wanted
    base: str
    kept: dict[str, str]
    sorts: list[tuple[Sort, Any]]
    cards_html: bytes
    is_empty: bool
    count: Count | None
    total: int
    next_cursor: str | None
    previous_cursor: str | None
    chips: list[tuple[str, str]]

    @property
    def cards(self) -> Markup:
        return Markup(self.cards_html.decode())  # noqa: S704 - rendered by our own templates

    @property
    def first_url(self) -> str:
        return self.url()

    @property
    def next_url(self) -> str | None:
        return self._url_at(self.next_cursor)

    @property
    def previous_url(self) -> str | None:
        return self._url_at(self.previous_cursor)

    def _url_at(self, cursor: str | None) -> str | None:
        """This list from a place in it. Cursors need no quoting; put in last, they can be the gaps of a page that is kept."""
        return f"{self.first_url}{'&' if '?' in self.first_url else '?'}cursor={cursor}" if cursor else None

    @property
    def clear_url(self) -> str:
        """The same list in the same order without any filter."""
        return link(self.base, {**self.kept, **_sort_param(self.wanted, self.sorts)})

    def url(self, **changed: str | None) -> str:
        return link(self.base, {**params_of(self.wanted, self.kept, self.sorts), **changed})


def remember_listing(listing: Listing, render: Callable[[Listing], str]) -> bytes:
    """The page of this list, which ``render`` makes; cards, which move by themselves, and cursors are put in late."""
    wanted = listing.wanted
    asked = (wanted.sort, wanted.low, wanted.high, wanted.in_stock, wanted.cursor is None, *wanted.typed.items(), *wanted.errors.items())
    facts = (listing.count, listing.total, listing.is_empty, listing.previous_cursor is None, listing.next_cursor is None)
    late = {"cards": listing.cards_html, "previous": (listing.previous_cursor or "").encode(), "next": (listing.next_cursor or "").encode()}
    hollow = replace(
        listing,
        cards_html=gap("cards").encode(),
        previous_cursor=listing.previous_cursor and gap("previous"),
        next_cursor=listing.next_cursor and gap("next"),
    )
    return remembered(asked, facts, lambda: render(hollow), late)


def make_listing(
    wanted: Wanted,
    page: Page[Any],
    *,
    base: str,
    locale: str,
    sorts: Sequence[Sort],
    count: Count | None,
    total: int,
    kept: dict[str, str] | None = None,
) -> Listing:
    """Put a page of rows together with the ways around it. ``kept`` are parameters that every link carries, such as the words of a search."""
    named = [(sort, SORT_NAMES[sort]) for sort in sorts]
    listing = Listing(
        wanted,
        base,
        kept or {},
        named,
        join_cards(page.items, locale, IN_LIST, FIRST_IN_LIST),
        not page.items,
        count,
        total,
        page.next_cursor,
        page.previous_cursor,
        [],
    )
    listing.chips = [(name, listing.url(**{param: None})) for param, name in _chosen(wanted, locale)]
    return listing


def _chosen(wanted: Wanted, locale: str) -> list[tuple[str, str]]:
    chips = []
    if wanted.low is not None:
        chips.append(("min_price", _("From %(price)s", price=format_money(wanted.low, locale))))
    if wanted.high is not None:
        chips.append(("max_price", _("Up to %(price)s", price=format_money(wanted.high, locale))))
    if wanted.in_stock:
        chips.append(("in_stock", _("In stock")))
    return chips


def params_of(wanted: Wanted, kept: dict[str, str], sorts: Sequence[tuple[Sort, Any]]) -> dict[str, str | None]:
    """The parameters that lead to this list, its first page."""
    return {
        **kept,
        **_sort_param(wanted, sorts),
        "min_price": None if wanted.low is None else str(wanted.low.to_decimal()),
        "max_price": None if wanted.high is None else str(wanted.high.to_decimal()),
        "in_stock": "1" if wanted.in_stock else None,
    }


def _sort_param(wanted: Wanted, sorts: Sequence[tuple[Sort, Any]]) -> dict[str, str | None]:
    """The first of the orders is the usual one and needs no word."""
    return {"sort": None if wanted.sort == sorts[0][0] else str(wanted.sort)}


def link(base: str, params: dict[str, str | None]) -> str:
    given = {name: value for name, value in params.items() if value is not None}
    return f"{base}?{urlencode(given)}" if given else base
