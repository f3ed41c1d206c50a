"""What a search engine must be able to do. ``shop.search.plain`` does it without an index of its own."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

from shop.catalog.grid import Count, Filters, Sort
from shop.web.pagination import Page


class SearchEngine(Protocol):
    """Finds goods by words: all of them must match, in names or article numbers, without case and accents."""

    def search(self, words: str, filters: Filters, sort: Sort, cursor: str | None, limit: int, *, locale: str) -> Page[Any]:
        """One page of rows (id, key, facts) as ``shop.catalog.grid.list_goods`` gives them.

        Raises:
            Invalid: the cursor is not one of this list.
        """
        ...

    def count(self, words: str, filters: Filters, *, locale: str) -> Count:
        """How many there are, at least."""
        ...

    def suggest(self, words: str, *, locale: str, limit: int = 6) -> Sequence[Any]:
        """The few goods that are most likely meant, as such rows; fast enough to be asked at each key."""
        ...
