"""The backend that processes and machines share: a Redis, which may be slow, empty, full, or gone at any moment.

A request never waits for it longer than one time-out. After the first failure nobody asks any more until a thread of its own has seen it answer,
and take a value, again: an outage costs each process the requests that were just asking, once.
"""

from __future__ import annotations

import logging
import socket
from collections.abc import Callable, Sequence
from threading import Event, Lock, Thread
from typing import Any, TypeVar, cast

from redis import Redis
from redis.backoff import NoBackoff
from redis.exceptions import ConnectionError as ConnectionLost
from redis.exceptions import RedisError
from redis.retry import Retry

from shop.cache.backend import HEAD, LONGEST_VALUE, Counted, Turn

log = logging.getLogger(__name__)
T = TypeVar("T")

LOOKS_EVERY_S = 0.5
PROBE = "bodega:probe"
# The value when it is in the wanted state, else 1 for whoever may make it and 0 for the others.
CLAIM = f"""
local value = redis.call('GET', KEYS[1])
if value and string.sub(value, 1, {HEAD}) == ARGV[1] then return value end
if redis.call('SET', KEYS[2], '1', 'NX', 'PX', ARGV[2]) then return 1 end
return 0
"""
COUNT = """
local number = redis.call('INCR', KEYS[1])
local left = redis.call('PTTL', KEYS[1])
if left < 0 then
    redis.call('PEXPIRE', KEYS[1], ARGV[1])
    left = tonumber(ARGV[1])
end
return {number, left}
"""


def turn_of(name: str) -> str:
    """The name of the turn to make what stands under ``name``; the braces put both on one machine of a cluster."""
    return f"{{{name}}}:turn"


class RedisBackend:
    """See ``Backend``. Safe for threads; connections are made by the process that asks, so it may be opened before a fork."""

    def __init__(self, url: str, *, timeout_s: float, looks_every_s: float = LOOKS_EVERY_S) -> None:
        self.looks_every_s = looks_every_s
        self.client: Redis = Redis.from_url(
            url,
            socket_connect_timeout=timeout_s,
            socket_timeout=timeout_s,
            # A connection that the other side closed while it was idle is made anew at once; who does not answer is not asked twice.
            retry=Retry(NoBackoff(), 1, supported_errors=(ConnectionLost, ConnectionResetError, BrokenPipeError)),
        )
        self._claim, self._count = self.client.register_script(CLAIM), self.client.register_script(COUNT)
        self.lock = Lock()
        self.closed = Event()
        self.is_away = False

    def get(self, names: Sequence[str]) -> list[bytes | None] | None:
        return cast("list[bytes | None] | None", self._ask(lambda: self.client.mget(names)))

    def put(self, name: str, value: bytes, *, ttl_s: float) -> None:
        if len(value) > LONGEST_VALUE:
            return self.release(name)

        def ask() -> None:
            pipeline = self.client.pipeline(transaction=False)
            pipeline.set(name, value, px=max(1, int(ttl_s * 1000)))
            pipeline.delete(turn_of(name))
            pipeline.execute()

        self._ask(ask)
        return None

    def drop(self, names: Sequence[str]) -> None:
        self._ask(lambda: self.client.delete(*names))

    def claim(self, name: str, head: bytes, *, for_s: float) -> bytes | Turn | None:
        found: Any = self._ask(lambda: self._claim(keys=[name, turn_of(name)], args=[head, int(for_s * 1000)]))
        if found is None or isinstance(found, bytes):
            return found
        return Turn.MINE if found else Turn.THEIRS

    def release(self, name: str) -> None:
        self._ask(lambda: self.client.delete(turn_of(name)))

    def count(self, name: str, *, window_s: float) -> Counted | None:
        found: Any = self._ask(lambda: self._count(keys=[name], args=[int(window_s * 1000)]))
        return None if found is None else Counted(int(found[0]), int(found[1]) / 1000)

    def forget(self) -> None:
        """What others left on the shelf is theirs as well: it stays."""

    def close(self) -> None:
        """No more looking whether it is back."""
        self.closed.set()
        self.client.close()

    def _ask(self, ask: Callable[[], T]) -> T | None:
        if self.is_away:
            return None
        try:
            return ask()
        except (RedisError, OSError) as problem:
            self._lost(problem)
            return None

    def _lost(self, problem: Exception) -> None:
        with self.lock:
            if self.is_away:
                return
            self.is_away = True
        log.warning("Redis is away (%s); the shop goes on without it", type(problem).__name__)
        Thread(target=self._wait_until_back, name="redis-watch", daemon=True).start()

    def _wait_until_back(self) -> None:
        while not self.closed.wait(self.looks_every_s):
            try:
                self.client.set(PROBE, socket.gethostname(), px=1000)  # one that is full or read-only answers, too, and is of no use
            except (RedisError, OSError):
                continue
            self.is_away = False
            log.warning("Redis is back")
            return
