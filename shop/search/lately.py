"""What was found lately for the same words: kept for a minute of the clock at most, and no longer than the catalog stays as it is.

Kept are the ids of goods and how many there are, never prices or stock: those are read for each answer.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from flask import current_app

from shop.cache import this_cache
from shop.cache.codecs import JSON
from shop.cache.rooms import Made
from shop.catalog.grid import Count, Filters
from shop.search.engine import SearchEngine
from shop.search.words import split_words
from shop.settings.queries import topic_version

WORDS_MOST = 2000
KEPT_S = 60


def suggest_lately(words: str, *, locale: str, at: datetime) -> list[int]:
    """The ids of the few goods that are most likely meant; see ``SearchEngine.suggest``."""
    found = (
        this_cache()
        .room("suggestions", WORDS_MOST, codec=JSON, ttl_s=KEPT_S)
        .fetch((locale, tuple(split_words(words))), _state(at), lambda: Made([row.id for row in _engine().suggest(words, locale=locale)]))
    )
    return list(found)


def count_lately(words: str, filters: Filters, *, locale: str, at: datetime) -> Count:
    """How many goods there are; see ``SearchEngine.count``."""
    narrowed = (filters.category_id, filters.low, filters.high, filters.in_stock)
    found = (
        this_cache()
        .room("counts", WORDS_MOST, codec=JSON, ttl_s=KEPT_S)
        .fetch((locale, tuple(split_words(words)), narrowed), _state(at), lambda: Made([*_engine().count(words, filters, locale=locale)]))
    )
    return Count(*found)


def _state(at: datetime) -> tuple[Any, ...]:
    return topic_version("catalog"), int(at.timestamp()) // KEPT_S


def _engine() -> SearchEngine:
    engine: SearchEngine = current_app.extensions["search"]
    return engine
