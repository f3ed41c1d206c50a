"""What is kept so that it need not be made again, and what is counted for a minute: the cache of one shop.

Each process keeps things in a memory of its own. Where ``REDIS_URL`` names a Redis, all processes of the shop share a shelf there as well: what one
of them made, the others take, and one of them makes it while the others wait a little. Nothing here is the truth: without Redis, with an empty or a
sick one, every page is the same page, only slower. Several shops may use one Redis; see ``seals``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from flask import Flask, current_app

from environment import ConfigError
from shop.cache.memory_backend import MemoryBackend
from shop.cache.rooms import Cache
from shop.cache.seals import Seals

if TYPE_CHECKING:
    from config import Config
    from shop.cache.redis_backend import RedisBackend

__all__ = ["init_app", "this_cache"]


def init_app(app: Flask) -> None:
    """Start with empty memories; find the shelf, if there is one.

    Raises:
        ConfigError: REDIS_URL is set and the library for it is not installed.
    """
    config: Config = app.extensions["config"]
    app.extensions["cache"] = Cache(Seals.of(config), MemoryBackend(), _shelf(config) if config.redis.url else None)


def _shelf(config: Config) -> RedisBackend:
    try:
        from shop.cache.redis_backend import RedisBackend
    except ImportError:
        raise ConfigError("REDIS_URL: wants a library: pip install --require-hashes -r requirements-server.txt") from None
    return RedisBackend(config.redis.url, timeout_s=config.redis.timeout_ms / 1000)


def this_cache() -> Cache:
    """The cache of the shop that answers."""
    cache: Cache = current_app.extensions["cache"]
    return cache
