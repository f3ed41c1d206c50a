"""Rooms: one caller makes a thing, over threads and processes; shops that share a Redis never meet; nothing is believed that was not sealed here."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from config import Config, RedisPlace
from shop.cache.codecs import JSON
from shop.cache.memory_backend import MemoryBackend
from shop.cache.redis_backend import RedisBackend
from shop.cache.rooms import Cache, Made, Room
from shop.cache.seals import Seals, spell
from tests.redis import OwnRedis
from tests.servers import ROOT


@pytest.fixture
def process(server: OwnRedis, config: Config) -> Iterator[Callable[..., Cache]]:
    """Gives the cache of one more process of the shop, or of another shop."""
    server.empty()
    backends = []

    def start(**changes: Any) -> Cache:
        backends.append(RedisBackend(server.url, timeout_s=0.5))
        values = {**vars(config), "redis": RedisPlace(server.url), **changes}
        return Cache(Seals.of(Config(**values)), MemoryBackend(), backends[-1])

    yield start
    for backend in backends:
        backend.close()


def room_of(cache: Cache) -> Room[Any]:
    return cache.room("things", 10, codec=JSON)


def never() -> Made[Any]:
    raise AssertionError("it is there already")


def test_what_one_process_made_the_others_take(process) -> None:
    first, second = room_of(process()), room_of(process())

    first.fetch(("a", 1), 7, lambda: Made({"name": "Ñandú", "prices": [1, None, True]}))

    assert second.fetch(("a", 1), 7, never) == {"name": "Ñandú", "prices": [1, None, True]}
    assert second.find(("a", 1), 7), "from here on it is near"


@pytest.mark.parametrize(("key", "state"), [("a", 8), ("a", (7,)), ("a", "7"), ("b", 7), (("a",), 7)])
def test_another_key_or_state_is_another_thing(process, key, state) -> None:
    room_of(process()).fetch("a", 7, lambda: Made("old"))

    assert room_of(process()).fetch(key, state, lambda: Made("new")) == "new"


def test_a_thing_in_another_state_takes_the_place_of_the_old(process, server: OwnRedis) -> None:
    for state in range(5):
        room_of(process()).fetch("a", state, lambda state=state: Made(state))

    assert len(server.names()) == 1


@pytest.mark.parametrize(
    "changes",
    [{"name": "other"}, {"secret_key": "another secret that is long enough"}, {"database_url": "sqlite:////elsewhere.db"}],
)
def test_shops_that_share_a_redis_never_meet(process, server: OwnRedis, changes) -> None:
    ours, theirs = process(), process(**changes)
    room_of(ours).fetch("a", 7, lambda: Made("ours"))
    ours.tell_all("refused", {"account:a": 1}, ttl_s=60)
    ours.count("limit", "search:1", window_s=60)

    assert room_of(theirs).fetch("a", 7, lambda: Made("theirs")) == "theirs"
    assert theirs.told_by_all("refused", ["account:a"]) == [None]
    assert theirs.count("limit", "search:1", window_s=60)[0] == 1
    assert room_of(process()).fetch("a", 7, never) == "ours"


def test_what_another_shop_or_build_put_under_our_name_is_not_believed(process, server: OwnRedis) -> None:
    ours = process()
    room_of(ours).fetch("a", 7, lambda: Made("ours"))
    [name] = server.names()
    value = server.client.get(name)

    for forged in (value[:-1] + b"X", value[:16] + b"\0" * 16 + value[32:], value[:16], b"", b'"x"'):
        server.client.set(name, forged)
        assert room_of(process()).fetch("a", 7, lambda: Made("made anew")) == "made anew"
    server.client.set(name, value)
    assert room_of(process(currency="USD")).fetch("a", 7, lambda: Made("in dollars")) == "in dollars"


def test_a_look_into_redis_tells_neither_addresses_nor_networks(process, server: OwnRedis) -> None:
    cache = process()
    cache.tell_all("refused", {"account:ana@example.com": 1}, ttl_s=60)
    cache.count("limit", "search:203.0.113.9", window_s=60)

    told = " ".join(server.names())
    assert "ana" not in told
    assert "203" not in told.replace(cache.seals.prefix, "")
    assert all(name.startswith(cache.seals.prefix) for name in server.names())


def test_what_is_not_for_all_is_kept_for_nobody(process, server: OwnRedis) -> None:
    room = room_of(process())

    assert [room.fetch("a", 7, lambda n=n: Made(n, is_for_all=False)) for n in range(2)] == [0, 1]
    assert server.names() == []


def test_what_cannot_be_spelled_stays_near(process, server: OwnRedis) -> None:
    room, thing = room_of(process()), object()

    room.fetch("a", thing, lambda: Made("near"))

    assert room.fetch("a", thing, never) == "near"
    assert server.names() == []


def test_spellings_differ_where_things_do() -> None:
    at = datetime(2026, 1, 1, tzinfo=UTC)
    things = [
        None,
        True,
        1,
        1.5,
        "1",
        "None",
        b"1",
        (),
        ("",),
        ("1", "2"),
        ("1,2",),
        (("1",), "2"),
        ("'1','2'",),
        Decimal(1),
        at,
        at.date(),
    ]

    assert len({spell(thing) for thing in things}) == len(things)


def test_threads_of_one_process_make_it_once(config: Config) -> None:
    made: list[int] = []
    room = Cache(Seals.of(config), MemoryBackend(), None).room("things", 10)

    def make() -> Made[str]:
        time.sleep(0.05)
        made.append(1)
        return Made("made")

    with ThreadPoolExecutor(8) as pool:
        assert set(pool.map(lambda _n: room.fetch("a", 7, make), range(16))) == {"made"}
    assert len(made) == 1


def test_a_maker_that_fails_leaves_the_turn_to_the_next(process) -> None:
    first, second = room_of(process()), room_of(process())
    with pytest.raises(ZeroDivisionError):
        first.fetch("a", 7, lambda: Made(1 // 0))

    assert second.fetch("a", 7, lambda: Made("made")) == "made"
    assert first.fetch("a", 7, never) == "made"


PROGRAM = """
import sys, time
from config import Config
from shop.cache.codecs import JSON
from shop.cache.memory_backend import MemoryBackend
from shop.cache.redis_backend import RedisBackend
from shop.cache.rooms import Cache, Made
from shop.cache.seals import Seals
url, instance = sys.argv[1:]
shelf = RedisBackend(url, timeout_s=1)
config = Config.from_env({"SHOP_INSTANCE": instance, "SECRET_KEY": "k" * 40, "REDIS_URL": url})
cache = Cache(Seals.of(config), MemoryBackend(), shelf)
def make():
    shelf.client.incr("made")
    time.sleep(0.3)
    return Made("made")
print("ready", flush=True)
sys.stdin.readline()
print(cache.room("things", 10, codec=JSON).fetch("a", 7, make))
"""


def test_processes_make_it_once(server: OwnRedis, tmp_path: Path) -> None:
    server.empty()
    words = [sys.executable, "-c", PROGRAM, server.url, str(tmp_path)]
    running = [
        subprocess.Popen(words, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1) for _process in range(3)
    ]
    for one in running:
        assert one.stdout
        one.stdout.readline()

    for one in running:
        assert one.stdin
        one.stdin.write("\n")
        one.stdin.flush()
    told = [one.communicate(timeout=30)[0].strip() for one in running]

    assert told == ["made"] * 3
    assert server.client.get("made") == b"1"
